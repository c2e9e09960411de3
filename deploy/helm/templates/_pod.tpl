{{/* What all pods have in common. Each is called with root, part (worker, intake, topics...) and role (its values). */}}

{{- define "ses-streams.podMeta" -}}
{{- $pod := mergeOverwrite (deepCopy .root.Values.pod) .role.pod -}}
labels:
  {{- mergeOverwrite (dict) $pod.labels (include "ses-streams.selector" . | fromYaml) | toYaml | nindent 2 }}
{{- with $pod.annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "ses-streams.podSpec" -}}
{{- $pod := mergeOverwrite (deepCopy .root.Values.pod) .role.pod -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  seccompProfile: {type: RuntimeDefault}
  {{- range $word := list "runAsUser" "runAsGroup" "fsGroup" }}
  {{- with get $pod $word }}
  {{ $word }}: {{ . | int64 }}
  {{- end }}
  {{- end }}
  {{- if $pod.fsGroup }}
  fsGroupChangePolicy: OnRootMismatch
  {{- end }}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets: {{ toJson . }}
{{- end }}
{{- range $word := list "nodeSelector" "tolerations" "affinity" "priorityClassName" }}
{{- with get $pod $word }}
{{ $word }}: {{ toJson . }}
{{- end }}
{{- end }}
{{- if has .part (list "worker" "intake") }}
topologySpreadConstraints:
  {{- if $pod.topologySpreadConstraints }}
  {{- toYaml $pod.topologySpreadConstraints | nindent 2 }}
  {{- else }}
  {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - topologyKey: {{ . }}
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "ses-streams.selector" $ | nindent 8 }}
  {{- end }}
  {{- end }}
{{- end }}
{{- $init := and (eq .root.Values.jobs.topics "init") (eq .part "worker") }}
{{- if or $init $pod.extraInitContainers }}
initContainers:
  {{- if $init }}
  - name: topics
    args: [topics, create]
    resources: {{- toYaml .root.Values.jobs.resources | nindent 6 }}
    {{- include "ses-streams.container" . | nindent 4 }}
  {{- end }}
  {{- with $pod.extraInitContainers }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
volumes:
  - name: tmp
    emptyDir: {}
  {{- with .root.Values.kafkaTls }}
  {{- if .ca.secret }}
  - name: kafka-ca
    secret: {secretName: {{ .ca.secret }}, defaultMode: 0440}
  {{- end }}
  {{- if .client.secret }}
  - name: kafka-client
    secret: {secretName: {{ .client.secret }}, defaultMode: 0440}
  {{- end }}
  {{- end }}
  {{- with $pod.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* Where an autoscaler decides, as many as there are: a number that is no longer said would fall back to one. */}}
{{- define "ses-streams.asMany" -}}
{{- with dig "spec" "replicas" 0 (lookup "apps/v1" .kind .root.Release.Namespace .name) -}}
replicas: {{ int . }}
{{- end }}
{{- end }}

{{/* The rest of a container of ours: all but its name, words, ports and probes. */}}
{{- define "ses-streams.container" -}}
{{- $pod := mergeOverwrite (deepCopy .root.Values.pod) .role.pod -}}
image: {{ include "ses-streams.image" .root }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
env:
  {{- include "ses-streams.env" . | nindent 2 }}
  {{- with $pod.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $pod.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumeMounts:
  - {name: tmp, mountPath: /tmp}
  {{- if eq .part "worker" }}
  - {name: data, mountPath: /data}
  {{- end }}
  {{- with .root.Values.kafkaTls }}
  {{- if .ca.secret }}
  - {name: kafka-ca, mountPath: /etc/kafka-ca, readOnly: true}
  {{- end }}
  {{- if .client.secret }}
  - {name: kafka-client, mountPath: /etc/kafka-client, readOnly: true}
  {{- end }}
  {{- end }}
  {{- with $pod.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* Ready is what the process says of itself; live is that it moves. Neither asks whether brokers can be reached. */}}
{{- define "ses-streams.probes" -}}
startupProbe:
  httpGet: {path: /health/live, port: web}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: {{ .boot }}
readinessProbe:
  httpGet: {path: /health/ready, port: web}
  periodSeconds: 5
  timeoutSeconds: 5
livenessProbe:
  httpGet: {path: /health/live, port: web}
  periodSeconds: 10
  timeoutSeconds: 10
  failureThreshold: 6
{{- end }}
