{{- define "mailprobe.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 30 | trimSuffix "-" -}}
{{- else if contains (default .Chart.Name .Values.nameOverride) .Release.Name -}}
{{- .Release.Name | trunc 30 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (default .Chart.Name .Values.nameOverride) | trunc 30 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "mailprobe.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}{{- else -}}{{ .repository }}:{{ default $.Chart.AppVersion .tag }}{{- end -}}
{{- end -}}
{{- end -}}

{{/* Where people reach it, as far as that is known. */}}
{{- define "mailprobe.publicUrl" -}}
{{- with .Values.apiGateway.ingress -}}
{{- if $.Values.publicUrl -}}{{ $.Values.publicUrl }}
{{- else if and .enabled .host -}}{{ ternary "https" "http" (not (empty .tlsSecret)) }}://{{ .host }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Of one part: (dict "root" $ "part" "scheduler"), and "location" where it stands at one. */}}
{{- define "mailprobe.selector" -}}
app.kubernetes.io/name: mailprobe
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- with .location }}
mailprobe/location: {{ . }}
{{- end }}
{{- end -}}

{{- define "mailprobe.labels" -}}
{{ include "mailprobe.selector" . }}
app.kubernetes.io/part-of: mailprobe
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{- define "mailprobe.name" -}}
{{- include "mailprobe.fullname" .root -}}-{{ .part }}{{- with .location }}-{{ . }}{{- end -}}
{{- end -}}

{{/* What pod security calls restricted, and a root that cannot be written. */}}
{{- define "mailprobe.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "mailprobe.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- define "mailprobe.scheduling" -}}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* MAILPROBE_<NAME>_FILE for each key of the part's Secret: (dict "keys" (list "amqp-url")). */}}
{{- define "mailprobe.secretFiles" -}}
{{- range . }}
- name: MAILPROBE_{{ . | upper | replace "-" "_" }}_FILE
  value: /run/mailprobe/{{ . }}
{{- end }}
{{- end -}}

{{/* A Deployment: root, part, service (what is served), values (of the part), secret, keys (of it), env (more lines),
     and for workers location, scaled, nodeSelector, tolerations, caConfigMap. */}}
{{- define "mailprobe.deployment" -}}
{{- $root := .root -}}
{{- $values := .values -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "mailprobe.name" . }}
  labels: {{- include "mailprobe.labels" . | nindent 4 }}
spec:
  {{- if not .scaled }}
  replicas: {{ $values.replicas }}
  {{- end }}
  revisionHistoryLimit: 5
  strategy:
    type: RollingUpdate
    rollingUpdate: {maxUnavailable: 0, maxSurge: 1}
  selector:
    matchLabels: {{- include "mailprobe.selector" . | nindent 6 }}
  template:
    metadata:
      labels: {{- include "mailprobe.labels" . | nindent 8 }}
      {{- with $root.Values.podAnnotations }}
      annotations: {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      serviceAccountName: {{ $root.Values.serviceAccountName }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      {{- with $root.Values.imagePullSecrets }}
      imagePullSecrets: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- $own := dict "priorityClassName" $root.Values.priorityClassName "affinity" $root.Values.affinity }}
      {{- $_ := set $own "nodeSelector" (merge (deepCopy (default dict .nodeSelector)) $root.Values.nodeSelector) }}
      {{- $_ := set $own "tolerations" (concat (default list .tolerations) $root.Values.tolerations) }}
      {{- include "mailprobe.scheduling" $own | nindent 6 }}
      securityContext: {{- include "mailprobe.podSecurity" $root | nindent 8 }}
      terminationGracePeriodSeconds: {{ $values.terminationGracePeriodSeconds }}
      topologySpreadConstraints:
        {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
        - maxSkew: 1
          topologyKey: {{ . }}
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels: {{- include "mailprobe.selector" $ | nindent 14 }}
          matchLabelKeys: [pod-template-hash]
        {{- end }}
      containers:
        - name: {{ .part }}
          image: {{ include "mailprobe.image" $root }}
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          args: [serve, {{ .service }}]
          env:
            - {name: MAILPROBE_LOG_FORMAT, value: json}
            - {name: MAILPROBE_LOG_LEVEL, value: {{ $root.Values.logLevel }}}
            - {name: MAILPROBE_ADMIN_HOST, value: 0.0.0.0}
            - {name: MAILPROBE_ADMIN_PORT, value: "9100"}
            {{- include "mailprobe.secretFiles" .keys | trim | nindent 12 }}
            {{- with .env }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
            {{- range $name, $value := $values.extraEnv }}
            - {name: {{ $name }}, value: {{ $value | quote }}}
            {{- end }}
          ports:
            {{- if eq .part "api-gateway" }}
            - {name: http, containerPort: 8080}
            {{- end }}
            - {name: admin, containerPort: 9100}
          {{- if eq .part "api-gateway" }}
          # Who still thinks that it is there, for so long a Service may take to be told, is answered.
          lifecycle: {preStop: {sleep: {seconds: 5}}}
          {{- end }}
          # Alive does not depend on the database or the broker: restarting helps neither of them.
          livenessProbe:
            httpGet: {path: /livez, port: admin}
            initialDelaySeconds: 10
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          readinessProbe:
            httpGet: {path: /readyz, port: admin}
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 2
          resources: {{- toYaml $values.resources | nindent 12 }}
          securityContext: {{- include "mailprobe.containerSecurity" $root | nindent 12 }}
          volumeMounts:
            - {name: secrets, mountPath: /run/mailprobe, readOnly: true}
            - {name: tmp, mountPath: /tmp}
            {{- if .caConfigMap }}
            - {name: authorities, mountPath: /run/mailprobe-authorities, readOnly: true}
            {{- end }}
      volumes:
        - name: secrets
          secret: {secretName: {{ .secret }}, defaultMode: 0440}
        - name: tmp
          emptyDir: {sizeLimit: 64Mi}
        {{- with .caConfigMap }}
        - name: authorities
          configMap: {name: {{ . }}}
        {{- end }}
{{- end -}}

{{/* A Job's pod: root, part, args, keys, resources. It is given the operator's Secret; and more, as mounts and volumes. */}}
{{- define "mailprobe.jobPod" -}}
metadata:
  labels: {{- include "mailprobe.labels" . | nindent 4 }}
spec:
  restartPolicy: Never
  serviceAccountName: default
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- with .root.Values.imagePullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- include "mailprobe.scheduling" .root.Values | nindent 2 }}
  securityContext: {{- include "mailprobe.podSecurity" .root | nindent 4 }}
  containers:
    - name: {{ .part }}
      image: {{ include "mailprobe.image" .root }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      args: {{- toYaml .args | nindent 8 }}
      env: {{- include "mailprobe.secretFiles" .keys | trim | nindent 8 }}
      resources: {{- toYaml .resources | nindent 8 }}
      securityContext: {{- include "mailprobe.containerSecurity" .root | nindent 8 }}
      volumeMounts:
        - {name: secrets, mountPath: /run/mailprobe, readOnly: true}
        - {name: tmp, mountPath: /tmp}
        {{- with .mounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    {{- with .volumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    - name: secrets
      secret:
        secretName: {{ default (printf "%s-operator" (include "mailprobe.fullname" .root)) .root.Values.operator.existingSecret }}
        defaultMode: 0440
    - name: tmp
      emptyDir: {sizeLimit: 64Mi}
{{- end -}}

{{- define "mailprobe.budget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "mailprobe.name" . }}
  labels: {{- include "mailprobe.labels" . | nindent 4 }}
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels: {{- include "mailprobe.selector" . | nindent 6 }}
{{- end -}}

{{- define "mailprobe.cpuScaler" -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ include "mailprobe.name" . }}
  labels: {{- include "mailprobe.labels" . | nindent 4 }}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: {{ include "mailprobe.name" . }}}
  minReplicas: {{ .values.replicas }}
  maxReplicas: {{ .values.maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target: {type: Utilization, averageUtilization: {{ .root.Values.autoscaling.cpuUtilization }}}
  behavior:
    scaleDown: {stabilizationWindowSeconds: 300}
{{- end -}}
