import { readSync, writeSync } from 'node:fs'
import { decodeItems, encodeFrame, encodeItems, type Frame, FrameReader, Kind, type SandboxItem } from './frames.ts'

/** What a child does with programs and items; one per kind of sandbox. */
type SandboxService<Prepared> = {
  load(program: unknown): Prepared
  /** Must not throw: a failing item has a result that says so. */
  run(prepared: Prepared, head: unknown, texts: string[], options: unknown): SandboxItem | Promise<SandboxItem>
}

/** At most this often the parent is told which item is being worked on: it costs a system call. */
const MARK_EVERY_MS = 5

/**
 * The child's whole life: read a frame, do it, answer, until the pipe ends. Reading blocks on purpose: there is nothing
 * else to do, and a blocking read on a descriptor that is open already needs no permission.
 */
export async function serveSandbox<Prepared>(service: SandboxService<Prepared>): Promise<void> {
  const programs = new Map<string, Prepared>()
  writeAll(encodeFrame(Kind.ready))
  for (const frame of incoming()) {
    if (frame.kind === Kind.forget) programs.clear()
    if (frame.kind === Kind.load) {
      const { digest, program } = JSON.parse(frame.payload.toString()) as { digest: string; program: unknown }
      programs.set(digest, service.load(program))
    }
    if (frame.kind === Kind.run) writeAll(encodeItems(Kind.done, null, await runAll(service, programs, frame)))
  }
}

async function runAll<Prepared>(
  service: SandboxService<Prepared>,
  programs: ReadonlyMap<string, Prepared>,
  frame: Frame,
): Promise<SandboxItem[]> {
  const { about, items } = decodeItems<{ digest: string; options: unknown }>(frame.payload)
  const prepared = programs.get(about.digest)
  if (!prepared) throw new Error('program not loaded')
  const results: SandboxItem[] = []
  let marked = performance.now()
  for (const [i, { head, texts }] of items.entries()) {
    const now = performance.now()
    if (now - marked > MARK_EVERY_MS) {
      marked = now
      writeAll(encodeFrame(Kind.mark, Buffer.from(String(i))))
    }
    const given = texts.map((text) => text.toString())
    results.push(await service.run(prepared, head, given, about.options))
  }
  return results
}

function* incoming(): Generator<Frame> {
  const reader = new FrameReader()
  while (true) {
    const chunk = Buffer.allocUnsafe(1 << 18)
    const length = readSync(0, chunk)
    if (length === 0) return
    yield* reader.push(chunk.subarray(0, length))
  }
}

function writeAll(bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at)
}
