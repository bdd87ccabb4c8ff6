import type { Command } from 'commander'
import type { loadingSmall } from '../../core/index.ts'
import type { MakeContext } from '../context.ts'

export type CommandModule = {
  /** Adds arguments, options and the action to a command that has its name and summary. */
  define(command: Command, makeContext: MakeContext): void
}

/** For commands that run on: what loading them leaves behind would stay. */
const small: typeof loadingSmall = async (load) => (await import('../../core/index.ts')).loadingSmall(load)

/** Every command. A module is loaded when its name stands on the command line, so that the others cost nothing. */
export const COMMANDS: { name: string; summary: string; load: () => Promise<CommandModule> }[] = [
  { name: 'start', summary: 'run everything in one process', load: () => small(() => import('./start.ts')) },
  { name: 'serve', summary: 'run the API and the webhook intake', load: () => small(() => import('./serve.ts')) },
  { name: 'worker', summary: 'run the work, without the API', load: () => small(() => import('./worker.ts')) },
  { name: 'migrate', summary: "bring the ledger's database to this version", load: () => import('./migrate.ts') },
  { name: 'init', summary: 'write a new hub folder', load: () => import('./init.ts') },
  { name: 'validate', summary: 'check the hub file, connectors and mappings', load: () => import('./validate.ts') },
  { name: 'test', summary: 'run the tests of mappings', load: () => import('./test.ts') },
  { name: 'map', summary: 'run a mapping over records from stdin', load: () => import('./map.ts') },
  { name: 'plan', summary: 'what a push would do, without writing anything', load: () => import('./plan.ts') },
  {
    name: 'verify',
    summary: 'compare what a sync should have made of its target with what that holds',
    load: () => import('./verify.ts'),
  },
  { name: 'apply', summary: 'do what a saved plan says', load: () => import('./apply.ts') },
  {
    name: 'diff',
    summary: 'an older and the present text of a mapping over the recorded inputs',
    load: () => import('./diff.ts'),
  },
  { name: 'run', summary: 'pull the source of a sync and deliver what changed', load: () => import('./run.ts') },
  { name: 'runs', summary: 'list and show runs, approve or reject what they hold', load: () => import('./runs.ts') },
  {
    name: 'conflicts',
    summary: 'fields that both sides of a two-way sync changed, and deciding them',
    load: () => import('./conflicts.ts'),
  },
  { name: 'drifts', summary: 'how sources changed their records, and accepting it', load: () => import('./drifts.ts') },
  { name: 'records', summary: 'find and show records', load: () => import('./records.ts') },
  {
    name: 'entities',
    summary: 'the same thing in all systems: search, show, decide, merge, split, import',
    load: () => import('./entities.ts'),
  },
  {
    name: 'analytics',
    summary: 'tables and files for people who ask in SQL',
    load: () => import('./analytics.ts'),
  },
  { name: 'problems', summary: 'what is broken, grouped by cause', load: () => import('./problems.ts') },
  {
    name: 'alerts',
    summary: 'who is told what is wrong: list, test, snooze',
    load: () => import('./alerts.ts'),
  },
  { name: 'erase', summary: 'erase a person from everything the hub keeps', load: () => import('./erase.ts') },
  {
    name: 'webhooks',
    summary: 'list and replay webhook events, see what is ordered',
    load: () => import('./webhooks.ts'),
  },
  { name: 'dlq', summary: 'list, show, requeue and discard dead letters', load: () => import('./dlq.ts') },
  { name: 'bulk', summary: 'bulk actions: list, show, abort', load: () => import('./bulk.ts') },
  { name: 'syncs', summary: 'list, show, pause and resume syncs', load: () => import('./syncs.ts') },
  {
    name: 'connections',
    summary: 'list, show, test, pause and resume connections',
    load: () => import('./connections.ts'),
  },
  { name: 'auth', summary: 'allow a connection in the browser (OAuth 2.0)', load: () => import('./auth.ts') },
  { name: 'secrets', summary: 'the key that seals stored secrets: show, rotate', load: () => import('./secrets.ts') },
  { name: 'tokens', summary: 'tokens of programs: create, list, revoke', load: () => import('./tokens.ts') },
  { name: 'users', summary: 'people who may log in', load: () => import('./users.ts') },
  { name: 'audit', summary: 'who did what, and whether the record of it is whole', load: () => import('./audit.ts') },
  { name: 'connectors', summary: 'list, show and test connectors', load: () => import('./connectors.ts') },
  { name: 'create', summary: 'draft a connector out of an API description', load: () => import('./create.ts') },
  {
    name: 'config',
    summary: 'what the hub folder says, and which versions of it came into force',
    load: () => import('./config.ts'),
  },
  { name: 'schema', summary: 'print the JSON Schema of a file, for editors', load: () => import('./schema.ts') },
  { name: 'status', summary: 'problems, queues and schedules', load: () => import('./status.ts') },
  {
    name: 'explain',
    summary: 'say what an error code means, or where a value in a target came from',
    load: () => import('./explain.ts'),
  },
  { name: 'profiles', summary: 'hubs by name, for --profile', load: () => import('./profiles.ts') },
  { name: 'complete', summary: 'completion for bash, zsh, fish and powershell', load: () => import('./complete.ts') },
  { name: 'lsp', summary: 'help editors with mapping files (language server)', load: () => import('./lsp.ts') },
  { name: 'mcp', summary: 'let an assistant look at the hub (MCP server on stdio)', load: () => import('./mcp.ts') },
  {
    name: 'support-bundle',
    summary: 'a file for whoever helps: versions, checks, problems, counts; no secrets, no values of records',
    load: () => import('./support-bundle.ts'),
  },
  { name: 'doctor', summary: 'check everything the hub needs', load: () => import('./doctor.ts') },
]
