/**
 * An SFTP server over a real socket that serves a folder of this machine: the server half of ssh2, so that the client half is
 * tried where no OpenSSH is installed. It cannot offer extensions of the protocol; what OpenSSH does is tried in test/real.
 */
import { generateKeyPairSync } from 'node:crypto'
import * as fs from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import ssh2, { type Attributes, type Connection, type SFTPWrapper } from 'ssh2'

const { Server, utils } = ssh2
const { STATUS_CODE, OPEN_MODE } = utils.sftp

export type SftpServer = {
  port: number
  /** Of its host key, as `ssh-keygen -l` prints it. */
  hostKey: string
  /** The paths of replaced files, in order. */
  renames: string[]
  /** Ends the connection instead of doing or before answering the rename. */
  fault: 'before-rename' | 'after-rename' | null
  /** Asked at each request on a file: trouble it has to meet. `write` is true where a file is put in its place. */
  meet: (request: { method: string; path: string; write: boolean }) => string | null
  /** How many connections it took. */
  logins: number
  close(): Promise<void>
}

export type SftpOptions = { folder: string; user: string; password: string; publicKey?: string; overwrites?: boolean }

export async function startSftp(options: SftpOptions): Promise<SftpServer> {
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'pkcs1', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  })
  const parsed = utils.parseKey(privateKey)
  if (parsed instanceof Error) throw parsed
  const open = new Set<Connection>()
  const state: SftpServer = {
    ...{ port: 0, renames: [], fault: null, meet: () => null, logins: 0 },
    hostKey: `ssh-rsa ${parsed.getPublicSSH().toString('base64')}`,
    close: async () => {
      for (const client of open) client.end()
      await new Promise<void>((done) => server.close(() => done()))
    },
  }
  const server = new Server({ hostKeys: [privateKey] }, (client) => {
    open.add(client)
    // Missing in the types of the package.
    ;(client as Connection & { setNoDelay(on: boolean): void }).setNoDelay(true)
    client.on('error', () => {}).on('close', () => open.delete(client))
    client.on('authentication', (attempt) => {
      if (attempt.username !== options.user) return attempt.reject(['password', 'publickey'])
      if (attempt.method === 'password' && attempt.password === options.password) return attempt.accept()
      const known = options.publicKey ? utils.parseKey(options.publicKey) : null
      if (attempt.method !== 'publickey' || known === null || known instanceof Error)
        return attempt.reject(['password', 'publickey'])
      const same = known.getPublicSSH().equals(attempt.key.data)
      const proven = !attempt.signature || known.verify(attempt.blob!, attempt.signature, attempt.hashAlgo)
      return same && proven ? attempt.accept() : attempt.reject()
    })
    client.on('ready', () => {
      state.logins++
      client.on('session', (accept) => accept().on('sftp', (take) => serve(take(), client, options, state)))
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  state.port = (server.address() as AddressInfo).port
  return state
}

function serve(sftp: SFTPWrapper, client: Connection, { folder, overwrites = true }: SftpOptions, state: SftpServer) {
  const handles = new Map<number, fs.FileHandle | string[]>()
  const real = (name: string) => path.join(folder, path.posix.resolve('/', name))
  const handleOf = (handle: Buffer) => handles.get(handle.readUInt32BE(0))
  const answer = async (id: number, work: () => Promise<unknown>) => {
    try {
      await work()
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      const status =
        code === 'ENOENT'
          ? STATUS_CODE.NO_SUCH_FILE
          : code === 'EACCES'
            ? STATUS_CODE.PERMISSION_DENIED
            : STATUS_CODE.FAILURE
      sftp.status(id, status)
    }
  }
  client.on('close', () => {
    for (const held of handles.values()) if (!Array.isArray(held)) held.close().catch(() => {})
  })
  const done = (id: number) => sftp.status(id, STATUS_CODE.OK)
  const keep = (id: number, held: fs.FileHandle | string[]) => {
    const handle = Buffer.alloc(4)
    handle.writeUInt32BE(id)
    handles.set(id, held)
    sftp.handle(id, handle)
  }
  const attrs = ({ mode, size, uid, gid, mtimeMs }: Awaited<ReturnType<typeof fs.stat>>): Attributes => ({
    ...{ mode: Number(mode), size: Number(size), uid: Number(uid), gid: Number(gid) },
    ...{ atime: Math.floor(Number(mtimeMs) / 1000), mtime: Math.floor(Number(mtimeMs) / 1000) },
  })
  sftp.on('REALPATH', (id, name) =>
    answer(id, async () => {
      const at = await fs.realpath(real(name))
      const shown = `/${path.relative(await fs.realpath(folder), at)}`
      sftp.name(id, [{ filename: shown, longname: shown, attrs: {} as Attributes }])
    }),
  )
  for (const event of ['STAT', 'LSTAT'] as const)
    sftp.on(event as 'STAT', (id: number, name: string) =>
      answer(id, async () => sftp.attrs(id, attrs(await (event === 'STAT' ? fs.stat : fs.lstat)(real(name))))),
    )
  sftp.on('FSTAT', (id, handle) =>
    answer(id, async () => sftp.attrs(id, attrs(await (handleOf(handle) as fs.FileHandle).stat()))),
  )
  sftp.on('SETSTAT', (id, name, { atime, mtime }) =>
    answer(id, async () => {
      if (mtime !== undefined) await fs.utimes(real(name), atime, mtime)
      done(id)
    }),
  )
  sftp.on('OPEN', (id, name, flags) =>
    answer(id, async () => {
      if (!(flags & OPEN_MODE.WRITE) && state.meet({ method: 'OPEN', path: name, write: false })) return client.end()
      const mode = flags & OPEN_MODE.EXCL ? 'wx' : flags & OPEN_MODE.WRITE ? 'w' : 'r'
      keep(id, await fs.open(real(name), mode))
    }),
  )
  sftp.on('OPENDIR', (id, name) => answer(id, async () => keep(id, await fs.readdir(real(name)))))
  sftp.on('READDIR', (id, handle) => {
    const names = handleOf(handle) as string[]
    const some = names.splice(0)
    if (some.length === 0) return sftp.status(id, STATUS_CODE.EOF)
    sftp.name(
      id,
      some.map((filename) => ({ filename, longname: filename, attrs: {} as Attributes })),
    )
  })
  sftp.on('READ', (id, handle, offset, length) =>
    answer(id, async () => {
      if (state.meet({ method: 'READ', path: '', write: false })) return client.end()
      const { bytesRead, buffer } = await (handleOf(handle) as fs.FileHandle).read(
        Buffer.alloc(length),
        0,
        length,
        offset,
      )
      if (bytesRead === 0) sftp.status(id, STATUS_CODE.EOF)
      else sftp.data(id, buffer.subarray(0, bytesRead))
    }),
  )
  sftp.on('WRITE', (id, handle, offset, data) =>
    answer(id, async () => {
      await (handleOf(handle) as fs.FileHandle).write(data, 0, data.length, offset)
      done(id)
    }),
  )
  sftp.on('CLOSE', (id, handle) =>
    answer(id, async () => {
      const held = handleOf(handle)
      handles.delete(handle.readUInt32BE(0))
      if (held && !Array.isArray(held)) await held.close()
      done(id)
    }),
  )
  sftp.on('REMOVE', (id, name) => answer(id, () => fs.unlink(real(name)).then(() => done(id))))
  sftp.on('MKDIR', (id, name) => answer(id, () => fs.mkdir(real(name)).then(() => done(id))))
  // The standard forbids a rename over a file that exists; many servers do it all the same.
  sftp.on('RENAME', (id, from, to) =>
    answer(id, async () => {
      if (!overwrites && (await fs.stat(real(to)).catch(() => null))) throw new Error('there is one')
      const trouble = state.meet({ method: 'RENAME', path: to, write: true })
      if (state.fault === 'before-rename' || (trouble && trouble !== 'lost')) return client.end()
      await fs.rename(real(from), real(to))
      state.renames.push(to)
      if (state.fault === 'after-rename' || trouble === 'lost') return client.end()
      done(id)
    }),
  )
}
