import { cp, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Copy, DockerfileParser, type Instruction, type JSONInstruction } from 'dockerfile-ast'
import { ROOT } from '../docs/readme.ts'
import { ENVIRONMENT, shell } from './installation.ts'

/** What an engine would make of the Dockerfile's last stage, as a folder. */
export type Image = {
  /** Stands for `/`. */
  root: string
  env: Record<string, string>
  user: string
  workdir: string
  command: string[]
  healthcheck: string[]
  /** Commands that were left out, because they change the base image and not what is put on top. */
  leftOut: string[]
}

type Stage = Image & { name: string }

/**
 * Builds the Dockerfile without an engine: each stage is a folder, files are copied as its lines say, and `RUN npm …` runs there.
 * What else a stage runs is about its base image, which is not there.
 */
export async function buildImage(folder: string): Promise<Image> {
  const dockerfile = DockerfileParser.parse(await readFile(join(ROOT, 'Dockerfile'), 'utf8'))
  const stages: Stage[] = []
  for (const instruction of dockerfile.getInstructions()) {
    if (instruction.getKeyword() === 'FROM') stages.push(await newStage(folder, instruction))
    else await apply(instruction, stages)
  }
  return stages.at(-1)!
}

async function newStage(folder: string, from: Instruction): Promise<Stage> {
  const name = /\bAS\s+(\S+)/i.exec(from.getArgumentsContent() ?? '')?.[1] ?? 'final'
  const root = join(folder, name)
  await mkdir(root)
  return { name, root, env: {}, user: 'root', workdir: '/', command: [], healthcheck: [], leftOut: [] }
}

async function apply(instruction: Instruction, stages: Stage[]): Promise<void> {
  const stage = stages.at(-1)!
  const text = instruction.getArgumentsContent() ?? ''
  switch (instruction.getKeyword()) {
    case 'WORKDIR':
      stage.workdir = text
      await mkdir(join(stage.root, text), { recursive: true })
      return
    case 'COPY':
      return copy(instruction as Copy, stage, stages)
    case 'RUN':
      return run(text, stage)
    case 'ENV':
      for (const pair of text.split(/\s+/))
        stage.env[pair.slice(0, pair.indexOf('='))] = pair.slice(pair.indexOf('=') + 1)
      return
    case 'USER':
      stage.user = text
      return
    case 'ENTRYPOINT':
    case 'CMD':
      stage.command.push(...stringsOf(instruction))
      return
    case 'HEALTHCHECK':
      stage.healthcheck = JSON.parse(text.slice(text.indexOf('['))) as string[]
  }
}

const stringsOf = (instruction: Instruction): string[] =>
  (instruction as JSONInstruction).getJSONStrings().map((one) => one.getJSONValue())

async function run(command: string, stage: Stage): Promise<void> {
  if (!command.startsWith('npm ')) {
    stage.leftOut.push(command)
    return
  }
  const { code, stderr } = await shell(join(stage.root, stage.workdir), command, { ...ENVIRONMENT, ...stage.env })
  if (code !== 0) throw new Error(`RUN ${command}: ${stderr}`)
}

async function copy(instruction: Copy, stage: Stage, stages: Stage[]): Promise<void> {
  const from = instruction.getFromFlag()?.getValue()
  const words = instruction.getArguments().map((argument) => argument.getValue())
  const [destination, ...sources] = words.reverse()
  const into = join(stage.root, stage.workdir, destination!)
  for (const source of sources) {
    const origin = from ? stages.find(({ name }) => name === from)!.root : ROOT
    // Of the checkout only what .dockerignore lets through is there.
    const names = from ? [source] : (await sent()).filter((name) => source === '.' || within(source, name))
    if (!names.length) throw new Error(`COPY ${source}: .dockerignore keeps it out`)
    for (const name of source === '.' ? names : [source]) {
      const target = source === '.' || destination!.endsWith('/') ? join(into, name) : into
      await cp(join(origin, name), target, { recursive: true, verbatimSymlinks: true })
    }
  }
}

const within = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`)

/** The names that .dockerignore takes out of `*`. */
async function sent(): Promise<string[]> {
  const lines = (await readFile(join(ROOT, '.dockerignore'), 'utf8')).split('\n').filter(Boolean)
  if (lines[0] !== '*') throw new Error('.dockerignore is expected to keep everything out but what it names')
  return lines.slice(1).map((line) => line.slice(1))
}
