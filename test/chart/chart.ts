import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { Ajv } from 'ajv'
import { parse, parseAllDocuments } from 'yaml'
import { ROOT } from '../docs/readme.ts'

export const CHART = join(ROOT, 'deploy/chart')
const HERE = import.meta.dirname

export type Values = { [name: string]: unknown }
// biome-ignore lint/suspicious/noExplicitAny: tests look deep into objects of many kinds, which a compiler has checked already
type Loose = any
/** An object of Kubernetes. */
export type KubeObject = {
  apiVersion: string
  kind: string
  metadata: { name: string; annotations?: Record<string, string> }
  [field: string]: Loose
}

const run = promisify(execFile)
/** Debian keeps the sources of packaged libraries here. */
const GO = { ...process.env, GO111MODULE: 'off', GOPATH: '/usr/share/gocode', GOFLAGS: '', CGO_ENABLED: '0' }

/** Compiles the renderer into a folder. */
export async function buildRenderer(folder: string): Promise<string> {
  const program = join(folder, 'render')
  await run('go', ['build', '-o', program, '.'], {
    cwd: join(HERE, 'render'),
    env: { ...GO, GOCACHE: join(folder, 'cache') },
  })
  return program
}

const release = {
  Name: 'hub',
  Namespace: 'integration',
  Service: 'Helm',
  IsInstall: true,
  IsUpgrade: false,
  Revision: 1,
}

/** What `helm template hub deploy/chart` would give for some values. Throws what a template says. */
export async function template(program: string, values: Values): Promise<KubeObject[]> {
  const child = spawn(program, { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.end(JSON.stringify({ chart: CHART, release, values }))
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  if (child.exitCode !== 0) throw new Error(stderr)
  const files = JSON.parse(stdout) as Record<string, string>
  return Object.entries(files)
    .filter(([name]) => name.endsWith('.yaml'))
    .flatMap(([name, yaml]) =>
      parseAllDocuments(yaml, { uniqueKeys: true }).flatMap((document) => {
        if (document.errors.length) throw new Error(`${name}: ${document.errors[0]!.message}\n${yaml}`)
        return document.toJS() === null ? [] : [document.toJS() as KubeObject]
      }),
    )
}

const validate = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true, strictRequired: false }).compile(
  JSON.parse(readFileSync(join(CHART, 'values.schema.json'), 'utf8')),
)
/** What the schema says against values that are laid over the defaults, as Helm checks them. */
export function schemaErrors(values: Values): string[] {
  const defaults = parse(readFileSync(join(CHART, 'values.yaml'), 'utf8')) as Values
  return validate(merged(defaults, values))
    ? []
    : validate.errors!.map(({ instancePath, message }) => `${instancePath} ${message}`)
}

const isMap = (value: unknown): value is Values => typeof value === 'object' && value !== null && !Array.isArray(value)
const merged = (defaults: Values, values: Values): Values => ({
  ...defaults,
  ...Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      const former = defaults[name]
      return [name, isMap(value) && isMap(former) ? merged(former, value) : value]
    }),
  ),
})

const moduleOf = ({ apiVersion, kind }: KubeObject): string =>
  apiVersion.startsWith('monitoring.coreos.com/')
    ? `@kubernetes-models/prometheus-operator/${apiVersion}/${kind}`
    : `kubernetes-models/${apiVersion}/${kind}`

/** What Kubernetes' published schemas say against values of an object. They let members pass that they do not know. */
export async function faultsOf(object: KubeObject): Promise<string[]> {
  const file = join(HERE, 'node_modules', `${moduleOf(object)}.js`)
  const models = (await import(file)) as Record<string, new (data: KubeObject) => { validate(): void }>
  try {
    new models[object.kind]!(object).validate()
    return []
  } catch (error) {
    return [`${object.kind} ${object.metadata.name}: ${(error as Error).message}`]
  }
}

/** Members that Kubernetes does not know: the objects are written as literals of its types, which the compiler reads. */
export async function unknownMembers(objects: KubeObject[]): Promise<string[]> {
  const folder = join(HERE, 'node_modules/.cache/rendered')
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  const lines = objects.map(
    (object, number) =>
      `import type { I${object.kind} as T${number} } from '${moduleOf(object)}'\nexport const o${number}: T${number} = ${JSON.stringify(object, null, 2)}\n`,
  )
  await writeFile(join(folder, 'objects.ts'), lines.join('\n'))
  const compilerOptions = { noEmit: true, strict: true, skipLibCheck: true, module: 'preserve', types: [] }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['objects.ts'] }))
  const outcome = await run(join(ROOT, 'node_modules/.bin/tsc'), ['-p', folder]).catch(
    (error: { stdout: string }) => error,
  )
  return outcome.stdout.split('\n').filter((line) => line.includes('error TS'))
}

/** Findings of a linter for Dockerfiles, with those of shellcheck about their commands. */
export async function lintDockerfile(file: string): Promise<{ code: string; message: string }[]> {
  const linter = join(HERE, 'node_modules/dockerlinter/bin/dockerfilelinter.js')
  const { stdout } = await run(process.execPath, [linter, '--json', '--file', file])
  // Without findings it says nothing.
  return JSON.parse(stdout || '[]') as { code: string; message: string }[]
}
