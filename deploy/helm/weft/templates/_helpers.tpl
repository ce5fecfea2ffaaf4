{{- define "weft.name" -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "weft.selector" -}}
app.kubernetes.io/name: weft
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: server
{{- end -}}

{{- define "weft.labels" -}}
app.kubernetes.io/name: weft
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "weft.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "weft.name" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name is required where serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "weft.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "weft.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "weft.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "weft.env" -}}
- name: WEFT_PUBLIC_URL
  value: {{ required "publicUrl is required" .Values.publicUrl | quote }}
- name: WEFT_PORT
  value: "8080"
{{- with .Values.otherPublicUrls }}
- name: WEFT_OTHER_PUBLIC_URLS
  value: {{ join "," . | quote }}
{{- end }}
- name: WEFT_DATABASE_URL
  valueFrom:
    secretKeyRef:
      name: {{ required "database.app.existingSecret is required" .Values.database.app.existingSecret }}
      key: {{ .Values.database.app.secretKey }}
{{- if .Values.keys.ring.existingSecret }}
- name: WEFT_KEY_RING_FILE
  value: /run/secrets/weft/key-ring
{{- else if not .Values.keys.kms }}
{{- fail "keys.ring.existingSecret or keys.kms is required" }}
{{- end }}
{{- with .Values.keys.kms }}
- name: WEFT_KMS
  value: {{ join "," . | quote }}
{{- end }}
{{- with .Values.keys.vaultTokenFile }}
- name: WEFT_VAULT_TOKEN_FILE
  value: {{ . | quote }}
{{- end }}
{{- with .Values.bootstrap }}
{{- if .adminEmail }}
- name: WEFT_BOOTSTRAP_ADMIN
  value: {{ .adminEmail | quote }}
{{- end }}
{{- if .tenant }}
- name: WEFT_BOOTSTRAP_TENANT
  value: {{ .tenant | quote }}
{{- end }}
{{- if .login.issuer }}
- name: WEFT_LOGIN_ISSUER
  value: {{ .login.issuer | quote }}
- name: WEFT_LOGIN_CLIENT_ID
  value: {{ required "bootstrap.login.clientId is required beside an issuer" .login.clientId | quote }}
- name: WEFT_LOGIN_CLIENT_SECRET
  valueFrom:
    secretKeyRef:
      name: {{ required "bootstrap.login.existingSecret is required beside an issuer" .login.existingSecret }}
      key: {{ .login.secretKey }}
{{- if .login.emailDomains }}
- name: WEFT_LOGIN_EMAIL_DOMAINS
  value: {{ join "," .login.emailDomains | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.fabricDomain }}
- name: WEFT_FABRIC_DOMAIN
  value: {{ . | quote }}
{{- end }}
{{- with .Values.extraWorkspaceOrigins }}
- name: WEFT_EXTRA_WORKSPACE_ORIGINS
  value: {{ join "," . | quote }}
{{- end }}
{{- with .Values.extraIssuerOrigins }}
- name: WEFT_EXTRA_ISSUER_ORIGINS
  value: {{ join "," . | quote }}
{{- end }}
{{- with .Values.trustedProxies }}
- name: WEFT_TRUSTED_PROXIES
  value: {{ join "," . | quote }}
{{- end }}
- name: WEFT_LOG_LEVEL
  value: {{ .Values.logLevel }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "weft.ownerEnv" -}}
- name: WEFT_OWNER_DATABASE_URL
  valueFrom:
    secretKeyRef:
      name: {{ required "database.owner.existingSecret is required for migrations" .Values.database.owner.existingSecret }}
      key: {{ .Values.database.owner.secretKey }}
{{- end -}}

{{- define "weft.volumeMounts" -}}
{{- if .Values.keys.ring.existingSecret }}
- name: key-ring
  mountPath: /run/secrets/weft
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "weft.volumes" -}}
{{- if .Values.keys.ring.existingSecret }}
- name: key-ring
  secret:
    secretName: {{ .Values.keys.ring.existingSecret }}
    # 0440
    defaultMode: 288
    items:
      - key: {{ .Values.keys.ring.secretKey }}
        path: key-ring
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}
