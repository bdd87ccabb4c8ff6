/**
 * What people build upon and SemVer is promised for, one line each: commands with their flags, exit codes, kinds of JSON output,
 * settings, keys of files, metrics and error codes. The HTTP API has a check of its own (check-api.ts).
 */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { connectorSchema, SCHEMAS } from '../src/assemble/index.ts'
import { COMMANDS } from '../src/cli/commands/index.ts'
import { EXIT } from '../src/cli/exit-codes.ts'
import { ENVELOPE } from '../src/cli/output.ts'
import { SETTING_NAMES, SETTINGS } from '../src/config/index.ts'
import { errorRegistry } from '../src/core/index.ts'
import { createMetrics } from '../src/metrics/index.ts'

const ROOT = join(import.meta.dirname, '..')

export async function publicSurface(): Promise<string[]> {
  return [
    ...(await commands()),
    ...Object.entries(EXIT).map(([name, code]) => `exit ${code} ${name}`),
    `output envelope ${ENVELOPE}`,
    ...outputs(),
    ...SETTING_NAMES.flatMap((name) => [
      `setting ${name}`,
      ...SETTINGS[name].alsoEnv.map((also) => `variable ${also}`),
    ]),
    ...Object.entries({ ...SCHEMAS, connector: connectorSchema() }).flatMap(([kind, schema]) =>
      [...new Set(keysOf(schema as Schema))].map((path) => `key ${kind} ${path}`),
    ),
    ...metrics(),
    ...Object.keys(errorRegistry).map((code) => `error ${code}`),
  ].sort()
}

async function commands(): Promise<string[]> {
  // The program is made where it runs, so its own flags are read there.
  const main = readFileSync(join(ROOT, 'src/cli/main.ts'), 'utf8')
  const lines = [...main.matchAll(/\.(?:option|version)\((?:packageVersion\(\), )?'(-[^']+)'/g)].map(
    ([, flags]) => `flag ${flags}`,
  )
  for (const { name, load } of COMMANDS) {
    const command = new Command(name)
    ;(await load()).define(command, () => {
      throw new Error('nothing is run here')
    })
    for (const one of [command, ...command.commands]) {
      const called = one === command ? name : `${name} ${one.name()}`
      const given = one.registeredArguments.map((argument) =>
        argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
      )
      if (one !== command || !command.commands.length) lines.push(['command', called, ...given].join(' '))
      // Settings are flags by their name; they have lines of their own.
      for (const { flags, helpGroupHeading } of one.options)
        if (helpGroupHeading !== 'Settings:') lines.push(`flag ${called} ${flags}`)
    }
  }
  return lines
}

/** By the words in the code: a command says its kind where it prints. */
function outputs(): string[] {
  const code = globSync('src/cli/**/*.ts', { cwd: ROOT }).map((file) => readFileSync(join(ROOT, file), 'utf8'))
  const kinds = code.flatMap((text) => [...text.matchAll(/\.result\(\s*(?:\w+ === undefined \? )?['`]([^'`]+)['`]/g)])
  return [...new Set(kinds.map(([, kind]) => `output ${kind}`))]
}

function metrics(): string[] {
  const source = createMetrics({ query: () => Promise.reject(new Error('nothing is read here')) } as never, {
    version: '',
  })
  const lines = source.names().map((name) => `metric ${name}`)
  source.close()
  return lines.filter((line) => line.startsWith('metric causeway_'))
}

type Schema = {
  $ref?: string
  $defs?: Record<string, Schema>
  definitions?: Record<string, Schema>
  properties?: Record<string, Schema>
  items?: Schema
  additionalProperties?: Schema | boolean
  patternProperties?: Record<string, Schema>
  then?: Schema
  else?: Schema
  anyOf?: Schema[]
  oneOf?: Schema[]
  allOf?: Schema[]
}

/** Every key that a file of this kind may have, with its path; a part that holds itself is followed once. */
function* keysOf(schema: Schema, root = schema, path = '', within: readonly Schema[] = []): Generator<string> {
  if (within.includes(schema)) return
  const inside = [...within, schema]
  const next = (part: Schema, at: string) => keysOf(part, root, at, inside)
  if (schema.$ref) {
    const found = schema.$ref
      .split('/')
      .slice(1)
      .reduce<unknown>((value, step) => (value as Record<string, unknown>)[step], root)
    yield* next(found as Schema, path)
  }
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    yield `${path}${name}`
    yield* next(property, `${path}${name}.`)
  }
  if (schema.items) yield* next(schema.items, `${path}[].`)
  const anyName = [...Object.values(schema.patternProperties ?? {}), schema.additionalProperties]
  for (const part of anyName) if (typeof part === 'object') yield* next(part, `${path}*.`)
  const parts = [schema.anyOf, schema.oneOf, schema.allOf, schema.then, schema.else].flat()
  for (const part of parts) if (part) yield* next(part, path)
}
