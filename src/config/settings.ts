/** Every setting of the hub, described once. */
import { choice, type Field, flag, host, integer, networks, ratio, secret, text, url } from './fields.ts'

export const SETTINGS = {
  database_url: url({
    default: null,
    schemes: ['postgres', 'postgresql'],
    alsoEnv: ['DATABASE_URL'],
    secret: true,
    description: 'Postgres that holds the ledger. Without it the hub runs a Postgres of its own in the data folder.',
  }),
  redis_url: url({
    default: null,
    schemes: ['redis', 'rediss'],
    alsoEnv: ['REDIS_URL'],
    secret: true,
    description: 'Redis for the queue. Without it the queue lives in Postgres.',
  }),
  database_sessions: integer({
    default: 15,
    min: 4,
    max: 200,
    description: 'Most Postgres sessions that one process opens for the ledger; the queue takes a few more.',
  }),
  host: host({
    default: '127.0.0.1',
    description: 'Address on which the API and the page are served. `0.0.0.0` serves every network this machine is in.',
  }),
  port: integer({
    default: 4000,
    min: 0,
    max: 65_535,
    description: 'Port of the API and the page; 0 takes any free one.',
  }),
  metrics_port: integer<number | null>({
    default: null,
    min: 0,
    max: 65_535,
    description:
      'Port on which `causeway worker` answers `/livez`, `/readyz` and `/metrics`; 0 takes any free one. Without it a worker listens nowhere.',
  }),
  public_url: url({
    default: null,
    schemes: ['https', 'http'],
    description: 'Address under which other systems and people reach the hub, for webhook addresses and links.',
  }),
  api_requests_per_minute: integer({
    default: 6_000,
    min: 60,
    max: 10_000_000,
    description:
      'Requests to the API that one token, or one person over all sessions, may make within a minute at one process. Webhooks and probes are not counted.',
  }),
  trusted_proxies: networks({
    description:
      'Reverse proxies in front of the hub. What they say of a client (`X-Forwarded-For`, `-Proto`, `-Host`) is believed, so that limits of logins count each client for itself, and they may open any number of sockets. Nobody else is believed.',
  }),
  admin_token: secret({
    minLength: 32,
    description:
      'Token that every request to the API must carry. Without it one is made at the first start and kept in the data folder.',
  }),
  master_key: secret({
    minLength: 32,
    description:
      'Key that encrypts the secrets kept in the ledger. Without it one is made at the first start and kept in the data folder; keep a copy apart from the database.',
  }),
  master_key_command: text<string | null>({
    default: null,
    description:
      'Command whose output is the master key, where `master_key` is not given: `vault kv get -field=key secret/causeway`. The shell runs it in the hub folder at the start of each process; it has half a minute.',
  }),
  oidc_issuer: url({
    default: null,
    schemes: ['https', 'http'],
    description:
      'Address of an OpenID provider through which people log in, exactly as it calls itself. Needs `public_url`; the provider has to know `<public_url>/api/v1/login/provider/return`.',
  }),
  oidc_client_id: text<string | null>({
    default: null,
    description: 'How the provider knows the hub.',
  }),
  oidc_client_secret: secret({
    minLength: 8,
    description: 'Secret of the hub at the provider. Without it the hub is a public client, held by PKCE alone.',
  }),
  oidc_label: text({ default: 'single sign-on', description: 'What the page calls the provider.' }),
  oidc_scopes: text({ default: 'openid profile email', description: 'What the hub asks the provider for.' }),
  oidc_role_claim: text({
    default: 'groups',
    description: 'Claim of the ID token, or of the user info, that holds the groups of a person.',
  }),
  oidc_roles: text<string | null>({
    default: null,
    description:
      'Which group gives which role: `causeway-admins=admin, integration=editor`. The highest counts; who is in none of them is not let in.',
  }),
  oidc_allow: text<string | null>({
    default: null,
    description:
      'Private addresses of the provider that may be dialled, as in `allow` of a connection: `sso.example.lan:443`.',
  }),
  data_dir: text({
    default: '.causeway',
    description:
      'Folder for everything the hub keeps on disk: its own Postgres, keys, logs of both. Relative to the hub folder.',
  }),
  connectors_dir: text({
    default: 'connectors',
    description: 'Folder with connectors of your own, relative to the hub folder.',
  }),
  mappings_dir: text({
    default: 'mappings',
    description: 'Folder with the mapping files, relative to the hub folder.',
  }),
  entities_dir: text({
    default: 'entities',
    description: 'Folder with the files that say which records are the same thing, relative to the hub folder.',
  }),
  log_level: choice(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
    default: 'info',
    description: 'The least serious kind of log line that is written.',
  }),
  log_format: choice(['auto', 'json', 'text'], {
    default: 'auto',
    description: 'JSON lines, or short lines for people; `auto` gives text on a terminal and JSON elsewhere.',
  }),
  traces_collector: url({
    default: null,
    schemes: ['https', 'http'],
    alsoEnv: ['OTEL_EXPORTER_OTLP_ENDPOINT'],
    description:
      'OpenTelemetry collector that gets the traces, over OTLP/HTTP; `/v1/traces` is appended. Without it and `traces_url` there are none.',
  }),
  traces_url: url({
    default: null,
    schemes: ['https', 'http'],
    alsoEnv: ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'],
    description: 'The same as a whole address, taken as it is.',
  }),
  traces_headers: secret({
    minLength: 3,
    alsoEnv: ['OTEL_EXPORTER_OTLP_TRACES_HEADERS', 'OTEL_EXPORTER_OTLP_HEADERS'],
    description: 'What the collector wants to see, `name=value,name=value` with percent-encoded values.',
  }),
  traces_ratio: ratio({
    default: 1,
    alsoEnv: ['OTEL_TRACES_SAMPLER_ARG'],
    description:
      'Share of the traces that is kept, from 0 to 1; by the id of the trace, so that all hubs keep the same.',
  }),
  traces_service: text({
    default: 'causeway',
    alsoEnv: ['OTEL_SERVICE_NAME'],
    description: 'How the hub is called in traces.',
  }),
  traces_allow: text<string | null>({
    default: null,
    description:
      'Private addresses of the collector that may be dialled, as in `allow` of a connection: `127.0.0.1:4318`.',
  }),
  traces_off: flag({
    default: false,
    alsoEnv: ['OTEL_SDK_DISABLED'],
    description: 'No traces, whatever else says so.',
  }),
  samples: flag({ default: false, description: 'Start the sample systems together with the hub.' }),
  pull_concurrency: integer({
    default: 4,
    min: 1,
    max: 256,
    description: 'Streams that one process pulls at the same time.',
  }),
  push_concurrency: integer({
    default: 4,
    min: 1,
    max: 256,
    description: 'Lanes of syncs that one process pushes at the same time.',
  }),
  mapping_processes: integer({
    default: 1,
    min: 1,
    max: 64,
    description: 'Processes in which mappings run, apart from the process that holds the secrets.',
  }),
  journal_days: integer({
    default: 30,
    min: 1,
    max: 3650,
    description: 'Days for which the journal of attempts is kept.',
  }),
  inbox_days: integer({
    default: 30,
    min: 1,
    max: 3650,
    description: 'Days for which processed webhook events are kept.',
  }),
  seen_event_days: integer({
    default: 30,
    min: 1,
    max: 3650,
    description: 'Days for which the ids of webhook events are remembered, so that a repeat is not taken twice.',
  }),
  run_days: integer({
    default: 90,
    min: 1,
    max: 3650,
    description: 'Days for which finished runs, answered holds and accepted drifts are kept.',
  }),
  dead_letter_days: integer({
    default: 90,
    min: 1,
    max: 3650,
    description: 'Days for which closed dead letters are kept. Open ones stay.',
  }),
  slot_days: integer({
    default: 30,
    min: 2,
    max: 3650,
    description: 'Days for which fired slots of schedules are kept.',
  }),
  former_link_days: integer({
    default: 365,
    min: 1,
    max: 3650,
    description: 'Days for which the former target of a deleted record is remembered, in case the record comes back.',
  }),
  configuration_days: integer({
    default: 1_095,
    min: 1,
    max: 3650,
    description:
      'Days for which a version of the configuration is kept after another one replaced it. The last 20 stay however old they are.',
  }),
  shutdown_seconds: integer({
    default: 25,
    min: 1,
    max: 600,
    description:
      'Time that work under way gets to finish when the hub is told to stop; writes that were sent have 0.7 of it for their answers.',
  }),
} as const satisfies Record<string, Field<unknown>>

export type SettingName = keyof typeof SETTINGS
export type Settings = { -readonly [K in SettingName]: ReturnType<(typeof SETTINGS)[K]['parse']> }

export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[]

/** Environment variables of a setting, the one that wins first. */
export const variablesOf = (name: SettingName): string[] => [
  `CAUSEWAY_${name.toUpperCase()}`,
  ...SETTINGS[name].alsoEnv,
]
