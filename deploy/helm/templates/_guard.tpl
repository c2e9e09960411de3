{{/* What must not be installed. All of it is said here, before anything is made. */}}

{{- define "ses-streams.guard" -}}
{{- $values := .Values }}
{{- $partitions := int $values.settings.partitions }}
{{- with $values.worker }}
{{- if gt (int .replicas) $partitions }}
{{- fail (printf "worker.replicas is %d, and there are %d partitions: a worker more would have nothing to do" (int .replicas) $partitions) }}
{{- end }}
{{- if ne .autoscaling.by "none" }}
{{- if gt (int .autoscaling.max) $partitions }}
{{- fail (printf "worker.autoscaling.max is %d, and there are %d partitions: a worker more would have nothing to do" (int .autoscaling.max) $partitions) }}
{{- end }}
{{- if gt (int .autoscaling.min) (int .autoscaling.max) }}
{{- fail "worker.autoscaling.min is more than worker.autoscaling.max" }}
{{- end }}
{{- end }}
{{- end }}
{{- with $values.intake }}
{{- if and .autoscaling.enabled (gt (int .autoscaling.min) (int .autoscaling.max)) }}
{{- fail "intake.autoscaling.min is more than intake.autoscaling.max" }}
{{- end }}
{{- $in := dig "intake" (dict) $values.settings }}
{{- if and .enabled (not (or (dig "sns" "topics" "" $in) (dig "sqs" "queues" "" $in) (dig "unsubscribe" "url" "" $values.settings))) }}
{{- fail "intake.enabled has nothing to take in: say settings.intake.sns.topics, settings.intake.sqs.queues or settings.unsubscribe.url" }}
{{- end }}
{{- end }}
{{- if eq (int $values.settings.web.port) (int $values.settings.intake.sns.port) }}
{{- fail "settings.web.port and settings.intake.sns.port are the same: the webhook is for strangers, the other is not" }}
{{- end }}
{{- $name := printf "%s-worker" (include "ses-streams.fullname" .) }}
{{- include "ses-streams.guardUpgrade" (dict "root" . "found" (lookup "apps/v1" "StatefulSet" .Release.Namespace $name)) }}
{{- end }}

{{/* Held against the workers that are there; `helm template` sees none, and the Job of topics says it again. */}}
{{- define "ses-streams.guardUpgrade" -}}
{{- $settings := .root.Values.settings }}
{{- if and .found .root.Values.guard.upgrades }}
{{- $was := dig "metadata" "annotations" (dict) .found }}
{{- range $word := list "partitions" "group" "topic_prefix" }}
{{- $before := get $was (printf "ses-streams/%s" $word) }}
{{- $now := get $settings $word | toString }}
{{- if and $before (ne $before $now) }}
{{- fail (printf "settings.%s is %s with the workers that are there, and would be %s: keys would part from their state. Set it back; or, to begin anew with other topics, guard.upgrades=false" $word $before $now) }}
{{- end }}
{{- end }}
{{- range dig "spec" "volumeClaimTemplates" (list) .found }}
{{- $size := dig "spec" "resources" "requests" "storage" "" . }}
{{- if and (eq .metadata.name "data") $size (ne $size $.root.Values.worker.volume.size) }}
{{- fail (printf "worker.volume.size is %s with the workers that are there: Kubernetes changes no claim of a StatefulSet. Enlarge the claims, then: kubectl delete statefulset %s --cascade=orphan, and upgrade again (docs/helm.md)" $size $.found.metadata.name) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
