import type { Values } from './chart.ts'

/** What the chart cannot do without. */
export const LEAST: Values = { secret: { name: 'causeway' } }
/** Everything that can be set. */
export const ALL: Values = {
  commonLabels: { team: 'integration' },
  image: { repository: 'registry.example/causeway', digest: `sha256:${'0'.repeat(64)}` },
  imagePullSecrets: [{ name: 'registry' }],
  secret: { name: 'causeway', connections: 'causeway-connections' },
  // A text that a template engine or a careless quotation would change.
  hub: { files: { 'causeway.yaml': 'hub: {}\n# {{ .Values }} "ä" \\ 😀\n', 'mappings/one.yaml': 'from: a:b\n' } },
  settings: { public_url: 'https://hub.example.com', log_level: 'debug', database_sessions: 20 },
  extraEnv: [{ name: 'HTTPS_PROXY', value: 'http://proxy.example.lan:3128' }],
  worker: { autoscaling: { enabled: true, matchLabels: { namespace: 'integration' } } },
  ingress: {
    enabled: true,
    className: 'nginx',
    annotations: { 'nginx.ingress.kubernetes.io/proxy-body-size': '1m' },
    hosts: [{ host: 'hub.example.com' }, { host: 'hooks.example.com', paths: ['/hooks'] }],
    tls: [{ hosts: ['hub.example.com'], secretName: 'hub-tls' }],
  },
  serviceMonitor: { enabled: true, labels: { release: 'prometheus' }, token: { secret: 'prometheus-token' } },
  networkPolicy: {
    from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ingress-nginx' } } }],
    metricsFrom: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
    database: { to: [{ ipBlock: { cidr: '10.0.8.0/24' } }], port: 5433 },
    egress: [{ to: [{ ipBlock: { cidr: '10.1.0.0/16' } }], ports: [{ port: 22, protocol: 'TCP' }] }],
  },
  podAnnotations: { 'example.com/owner': 'integration' },
  podLabels: { zone: 'internal' },
  nodeSelector: { 'kubernetes.io/os': 'linux' },
  tolerations: [{ key: 'dedicated', operator: 'Equal', value: 'integration', effect: 'NoSchedule' }],
  affinity: { nodeAffinity: {} },
  priorityClassName: 'business',
}

export const SETS: [string, Values][] = [
  ['the least', LEAST],
  ['all', ALL],
  [
    'a volume and no migration',
    { ...LEAST, hub: { volume: { persistentVolumeClaim: { claimName: 'hub' } } }, migration: { enabled: false } },
  ],
]
