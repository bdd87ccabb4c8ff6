{{- define "causeway.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- /* At most 52 characters, so that what is put behind it fits as well. */ -}}
{{- define "causeway.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains (include "causeway.name" .) .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "causeway.name" .) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "causeway.selector" -}}
app.kubernetes.io/name: {{ include "causeway.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "causeway.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "causeway.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: causeway
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "causeway.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "causeway.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "causeway.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- /* The keys of a ConfigMap hold no slashes: each file has a number, and its path stands in the volume. */ -}}
{{- define "causeway.files" -}}
{{- range $number, $path := keys .Values.hub.files | sortAlpha }}
{{ printf "file-%d" $number }}: {{ index $.Values.hub.files $path | quote }}
{{- end }}
{{- end -}}

{{- define "causeway.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "causeway.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}

{{- /* What every process is told. A key that is missing in the Secret stops a pod, rather than letting it make one of its own. */ -}}
{{- define "causeway.env" -}}
{{- $secret := required "secret.name: the Secret with database-url, master-key and admin-token" .Values.secret.name -}}
{{- $keys := .Values.secret.keys -}}
- name: CAUSEWAY_DATABASE_URL
  valueFrom: { secretKeyRef: { name: {{ $secret }}, key: {{ $keys.databaseUrl }} } }
- name: CAUSEWAY_MASTER_KEY
  valueFrom: { secretKeyRef: { name: {{ $secret }}, key: {{ $keys.masterKey }} } }
- name: CAUSEWAY_ADMIN_TOKEN
  valueFrom: { secretKeyRef: { name: {{ $secret }}, key: {{ $keys.adminToken }} } }
- name: CAUSEWAY_REDIS_URL
  valueFrom: { secretKeyRef: { name: {{ $secret }}, key: {{ $keys.redisUrl }}, optional: true } }
- name: CAUSEWAY_OIDC_CLIENT_SECRET
  valueFrom: { secretKeyRef: { name: {{ $secret }}, key: {{ $keys.oidcClientSecret }}, optional: true } }
- name: CAUSEWAY_SHUTDOWN_SECONDS
  value: {{ .Values.shutdownSeconds | quote }}
- name: CAUSEWAY_LOG_FORMAT
  value: json
{{- range $name, $value := .Values.settings }}
- name: {{ printf "CAUSEWAY_%s" (upper $name) }}
  value: {{ toString $value | quote }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "causeway.envFrom" -}}
{{- with .Values.secret.connections }}
envFrom:
  - secretRef: { name: {{ . }} }
{{- end }}
{{- end -}}

{{- define "causeway.mounts" -}}
- { name: data, mountPath: /data }
- { name: tmp, mountPath: /tmp }
{{- if or .Values.hub.files .Values.hub.volume }}
- { name: hub, mountPath: /hub, readOnly: true }
{{- end }}
{{- end -}}

{{- /* With `configMap`, the name of the one that holds the files. */ -}}
{{- define "causeway.volumes" -}}
- name: data
  emptyDir: {}
- name: tmp
  emptyDir: {}
{{- if .root.Values.hub.files }}
- name: hub
  configMap:
    name: {{ .configMap }}
    items:
      {{- range $number, $path := keys .root.Values.hub.files | sortAlpha }}
      - { key: {{ printf "file-%d" $number }}, path: {{ $path | quote }} }
      {{- end }}
{{- else if .root.Values.hub.volume }}
- name: hub
  {{- toYaml .root.Values.hub.volume | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* The part of a pod that both kinds have in common: `root`, `component`. */ -}}
{{- define "causeway.placement" -}}
{{- $values := .root.Values -}}
{{- with $values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if $values.spread.enabled }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: {{ $values.spread.topologyKey }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "causeway.selector" .root | nindent 8 }}
        app.kubernetes.io/component: {{ .component }}
{{- end }}
{{- end -}}
