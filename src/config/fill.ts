import { type Finding, isObject, type Json, type JsonObject, setOwn, type YamlFile } from '../core/index.ts'
import { hasPlaceholder, interpolate, type MissingVariable } from './interpolate.ts'
import type { Environment } from './load-settings.ts'

type Path = (string | number)[]
type Filled = { value: Json; findings: Finding[]; filled: boolean }
export type Fill = (value: unknown, path: Path) => Filled

/** A function that replaces the placeholders of a value of this file, at any depth, and says which variables are missing. */
export function fillPlaceholders(yaml: YamlFile, env: Environment): Fill {
  return (value, path) => {
    const findings: Finding[] = []
    let filled = false
    const walk = (item: unknown, at: Path): Json => {
      if (typeof item === 'string') {
        const { text, missing } = interpolate(item, env)
        filled ||= hasPlaceholder(item)
        findings.push(...missing.map((gap) => unset(yaml, at, gap)))
        return text
      }
      if (Array.isArray(item)) return item.map((inner, index) => walk(inner, [...at, index]))
      if (!isObject(item)) return (item ?? null) as Json
      const copy: JsonObject = {}
      for (const [key, inner] of Object.entries(item)) setOwn(copy, key, walk(inner, [...at, key]))
      return copy
    }
    const result = walk(value, path)
    return { value: result, findings, filled }
  }
}

function unset(yaml: YamlFile, path: Path, { name, offset }: MissingVariable): Finding {
  const place = yaml.placeInScalar(path, offset)
  if (name === '') {
    return {
      severity: 'error',
      code: 'CSW-1005',
      message: `${path.join('.')}: "\${" does not begin a placeholder`,
      fix: `Write \${NAME} or \${NAME:-default}; a literal "\${" is written $\${.`,
      place,
    }
  }
  return {
    severity: 'error',
    code: 'CSW-1007',
    message: `${path.join('.')}: the environment variable ${name} is not set`,
    fix: /^SAMPLE_[A-Z]+_/.test(name) ? OF_SAMPLES : `Set ${name}, or give a default: \${${name}:-value}.`,
    place,
  }
}

/** Whoever goes on to several processes with the folder that `init` wrote. */
const OF_SAMPLES =
  'It belongs to the sample systems, which only `causeway start` with `samples: true` starts; `serve` and `worker` need systems of their own.'
