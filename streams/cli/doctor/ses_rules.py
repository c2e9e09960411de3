"""What can be wrong at Amazon SES: the table of ses.py's rules, in the order in which they matter."""

from __future__ import annotations

from streams.cli.doctor.finding import Level, Rule

OBSERVING = Rule(
    "SES_NOT_ASKED", Level.OK, "others send, for dispatch.enabled is false; --only ses asks SES all the same"
)
CREDENTIALS = Rule(
    "AWS_CREDENTIALS",
    Level.WRONG,
    "AWS's default chain gives no credentials that {service} takes ({why})",
    "set AWS_PROFILE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role",
    world=True,
)
UNREACHABLE = Rule(
    "SES_UNREACHABLE",
    Level.WRONG,
    "SES's API does not answer ({why})",
    "let this machine reach it, or set SES_STREAMS_DISPATCH__ENDPOINT_URL and __REGION",
    world=True,
)
DENIED = Rule(
    "SES_DENIED",
    Level.UNKNOWN,
    "we may not ask {calls}",
    "allow {actions} in the role's policy",
)
SMTP_LOGIN = Rule(
    "SMTP_LOGIN_REFUSED",
    Level.WRONG,
    "SES's SMTP interface does not take name and password",
    "set SES_STREAMS_DISPATCH__SMTP__USERNAME and __PASSWORD to SMTP credentials, which are no access key",
    world=True,
)
SMTP = Rule(
    "SMTP_UNREACHABLE",
    Level.WRONG,
    "SES's SMTP interface does not answer ({why})",
    "let this machine reach it, or set SES_STREAMS_DISPATCH__SMTP__HOST, __PORT and __TLS",
    world=True,
)
SUSPENDED = Rule(
    "ACCOUNT_SUSPENDED",
    Level.WRONG,
    "SES has stopped the account's sending",
    "answer SES's case in the AWS Support Center; see the bounces first: /",
)
REVIEW = Rule(
    "ACCOUNT_UNDER_REVIEW",
    Level.WRONG,
    "SES reviews the account ({status})",
    "mend what it names in the AWS Support Center; ses_bounce_ratio and ses_complaint_ratio say which stream it is",
)
PAUSED = Rule(
    "SENDING_OFF",
    Level.WRONG,
    "sending is switched off for the account",
    "aws sesv2 put-account-sending-attributes --sending-enabled",
)
SANDBOX = Rule(
    "SANDBOX",
    Level.ADVICE,
    "the account is in the sandbox: mail goes to verified addresses only, {most:,.0f} a day",
    "ask for production access: aws sesv2 put-account-details --production-access-enabled",
)
SPENT = Rule(
    "QUOTA_SPENT",
    Level.WRONG,
    "{sent:,.0f} of {most:,.0f} recipients in 24 h are spent: SES refuses more",
    "wait, or ask for more: aws service-quotas, `ses`, sending quota",
)
LOW = Rule(
    "QUOTA_LOW",
    Level.ADVICE,
    "{left:,.0f} of {most:,.0f} recipients in 24 h are left",
    "ask for more in time: aws service-quotas, `ses`, sending quota",
)
FASTER = Rule(
    "RATE_ABOVE_SES",
    Level.ADVICE,
    "dispatch.rate is {ours:g} a second, and SES allows {theirs:g}, which holds",
    "set SES_STREAMS_DISPATCH__RATE={theirs:g} or unset it",
)
NOBODY = Rule(
    "NO_IDENTITY",
    Level.WRONG,
    "no identity is verified: SES refuses every sender",
    "aws sesv2 create-email-identity --email-identity YOUR-DOMAIN, and set its DNS records",
)
UNVERIFIED = Rule(
    "IDENTITY_NOT_VERIFIED",
    Level.ADVICE,
    "not verified: {names}",
    "set the DNS records that `aws sesv2 get-email-identity` shows, or delete the identity",
)
LIST_OFF = Rule(
    "SES_LIST_OFF",
    Level.ADVICE,
    "SES's own suppression list does not take in {reasons}",
    "aws sesv2 put-account-suppression-attributes --suppressed-reasons BOUNCE COMPLAINT",
)
DEAF = Rule(
    "NO_EVENTS",
    Level.ADVICE,
    "no configuration set publishes events: nothing comes back, unless identities notify by themselves",
    "aws sesv2 create-configuration-set-event-destination, to the SNS topic or queue of the intake",
)
PARTLY = Rule(
    "EVENTS_MISSING",
    Level.WRONG,
    "the configuration set {name} does not publish {types}",
    "aws sesv2 update-configuration-set-event-destination --configuration-set-name {name}, with these types, enabled",
)
SKEWED = Rule(
    "CLOCK_FROM_SES",
    Level.WRONG,
    "this machine's clock is {seconds:,.0f} s {way} SES's: AWS refuses signatures from 5 minutes on",
    "let an NTP client set the clock (timedatectl set-ntp true)",
)
FINE = Rule("SES_FINE", Level.OK, "{left} left of {most} in 24 h, {rate:g} a second, {identities} verified identities")
RULES = (
    OBSERVING,
    CREDENTIALS,
    UNREACHABLE,
    DENIED,
    SMTP_LOGIN,
    SMTP,
    SUSPENDED,
    REVIEW,
    PAUSED,
    SANDBOX,
    SPENT,
    LOW,
    FASTER,
    NOBODY,
    UNVERIFIED,
    LIST_OFF,
    DEAF,
    PARTLY,
    SKEWED,
    FINE,
)
