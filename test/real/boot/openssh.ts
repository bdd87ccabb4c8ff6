import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import path from 'node:path'
import { requirePackages } from './packages.ts'
import { accepts, freePort, run, startServer } from './process.ts'
import type { BootOptions, RunningSystem } from './system.ts'

export const priceCount = 1_000

/** Starts OpenSSH on loopback; all that one can do there is its own internal-sftp, with a key, in one folder. */
export async function bootOpenSsh(options: BootOptions): Promise<RunningSystem> {
  requirePackages('OpenSSH', ['openssh-server', 'openssh-client'], options.install)
  const folder = path.join(options.folder, 'openssh')
  const files = path.join(folder, 'files')
  mkdirSync(path.join(files, 'outgoing'), { recursive: true })
  mkdirSync(path.join(files, 'incoming'))
  for (const name of ['host', 'user'])
    await run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', path.join(folder, name)])
  const port = await freePort()
  const config = path.join(folder, 'sshd_config')
  writeFileSync(config, configOf(folder, files, port))
  writeFileSync(path.join(folder, 'authorized_keys'), readFileSync(path.join(folder, 'user.pub')))
  chmodSync(path.join(folder, 'authorized_keys'), 0o600)
  // As root it gives away its rights into this folder; Debian's own service makes it when it starts.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  writePrices(path.join(files, 'outgoing', 'prices.csv'))
  const server = await startServer({
    command: ['/usr/sbin/sshd', '-D', '-e', '-f', config],
    log: path.join(folder, 'server.log'),
    mark: folder,
    answers: () => accepts(port),
    detached: options.detached,
  })
  const fingerprint = await run(['ssh-keygen', '-l', '-f', path.join(folder, 'host.pub')])
  return {
    name: 'openssh',
    pid: server.pid,
    stop: server.stop,
    env: {
      ...{ SFTP_PORT: String(port), SFTP_USER: userInfo().username, SFTP_FILES: files },
      SFTP_PRIVATE_KEY: readFileSync(path.join(folder, 'user'), 'utf8'),
      SFTP_HOST_KEY: fingerprint.split(' ')[1]!,
    },
  }
}

const configOf = (folder: string, files: string, port: number): string => `
ListenAddress 127.0.0.1
Port ${port}
HostKey ${folder}/host
PidFile ${folder}/pid
AuthorizedKeysFile ${folder}/authorized_keys
AuthenticationMethods publickey
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
AllowTcpForwarding no
PermitTTY no
Subsystem sftp internal-sftp
ForceCommand internal-sftp -d ${files}
`

function writePrices(file: string): void {
  const rows = Array.from({ length: priceCount }, (_, n) => {
    const sku = `S${String(n).padStart(5, '0')}`
    return `${sku};"Öse ""${n}"", Größe ${n % 40}";${n}.${String(n % 100).padStart(2, '0')}`
  })
  writeFileSync(file, `sku;name;price\n${rows.join('\n')}\n`)
}
