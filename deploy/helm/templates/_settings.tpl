{{/* From words of settings to variables of the environment, as streams/settings reads them. */}}

{{/* A tree of words as a flat map: WEB__PORT: "8080". A leaf of `secrets` is a map with a name, and stays one. */}}
{{- define "ses-streams.flat" -}}
{{- range $word, $value := .tree }}
{{- $name := printf "%s%s" $.prefix (upper $word) }}
{{- if and (kindIs "map" $value) (not (and (hasKey $value "name") (kindIs "string" $value.name))) }}
{{- include "ses-streams.flat" (dict "tree" $value "prefix" (printf "%s__" $name)) }}
{{- else if not (kindIs "invalid" $value) }}
{{ $name }}: {{ include "ses-streams.value" $value }}
{{- end }}
{{- end }}
{{- end }}

{{/* Lists are separated by commas. Numbers go by way of JSON, since Helm would write a million as 1e+06. */}}
{{- define "ses-streams.value" -}}
{{- if kindIs "slice" . }}{{ join "," . | toJson }}
{{- else if or (kindIs "map" .) (kindIs "string" .) }}{{ toJson . }}
{{- else }}{{ toJson . | toJson }}
{{- end }}
{{- end }}

{{/* What the chart itself says, over what values say: where pods listen, and where files are. */}}
{{- define "ses-streams.ours" -}}
{{- $full := include "ses-streams.fullname" .root }}
{{- $values := .root.Values }}
{{- $domain := printf "%s.svc.%s" .root.Release.Namespace $values.clusterDomain }}
web:
  host: 0.0.0.0
  {{- if eq .part "worker" }}
  advertise: http://$(POD_NAME).{{ $full }}-worker.{{ $domain }}:{{ $values.settings.web.port }}
  hosts:
    {{- range concat (list (printf "%s.%s" $full $domain) (printf "%s.%s.svc" $full .root.Release.Namespace) (printf "%s.%s" $full .root.Release.Namespace)) (default list $values.settings.web.hosts) $values.page.ingress.hosts $values.page.route.hosts | uniq }}
    - {{ . | quote }}
    {{- end }}
  {{- end }}
{{- if eq .part "worker" }}
data_dir: /data
engine:
  instance_id: $(POD_NAME)
{{- else if eq .part "intake" }}
intake:
  sns:
    host: 0.0.0.0
{{- end }}
{{- with $values.kafkaTls }}
{{- if or .ca.secret .client.secret }}
security:
  {{- if .ca.secret }}
  ssl_cafile: /etc/kafka-ca/{{ .ca.key }}
  {{- end }}
  {{- if .client.secret }}
  ssl_certfile: /etc/kafka-client/{{ .client.cert }}
  ssl_keyfile: /etc/kafka-client/{{ .client.key }}
  {{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "ses-streams.env" -}}
{{- $secret := include "ses-streams.flat" (dict "tree" .root.Values.secrets "prefix" "SES_STREAMS_") | fromYaml }}
{{- $said := include "ses-streams.flat" (dict "tree" .root.Values.settings "prefix" "SES_STREAMS_") | fromYaml }}
{{- $ours := include "ses-streams.flat" (dict "tree" (include "ses-streams.ours" . | fromYaml) "prefix" "SES_STREAMS_") | fromYaml -}}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
{{- with get (mergeOverwrite (dict) $said $secret) "Error" }}{{ fail (printf "settings or secrets hold a character that cannot be written: %s" .) }}{{ end }}
{{- range $name, $value := mergeOverwrite (dict) $said $ours }}
{{- if and (ne $value "") (not (hasKey $secret $name)) }}
- name: {{ $name }}
  {{- /* Kubernetes puts variables in for $(NAME), and one dollar for two */}}
  value: {{ ternary $value (replace "$" "$$" $value) (hasKey $ours $name) | quote }}
{{- end }}
{{- end }}
{{- range $name, $from := $secret }}
- name: {{ $name }}
  valueFrom: {secretKeyRef: {{ toJson $from }}}
{{- end }}
{{- with .root.Values.aws.secret }}
{{- range list "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY" }}
- name: {{ . }}
  valueFrom: {secretKeyRef: {name: {{ $.root.Values.aws.secret }}, key: {{ . }}}}
{{- end }}
{{- end }}
{{- end }}
