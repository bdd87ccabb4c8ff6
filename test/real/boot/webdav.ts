import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { requirePackages } from './packages.ts'
import { accepts, freePort, run, startServer } from './process.ts'
import type { BootOptions, RunningSystem } from './system.ts'
import { tlsFiles } from './tls.ts'
import { writeDocuments } from './webdav-seed.ts'

const hubPassword = 'real-hub-only-here'
const readerPassword = 'real-reader-only-here'

/** Starts Apache with mod_dav on loopback: documents that the hub may write, a read-only archive, HTTP and HTTPS. */
export async function bootWebDav(options: BootOptions): Promise<RunningSystem> {
  requirePackages('Apache', ['apache2-bin', 'apache2-utils', 'openssl', 'media-types'], options.install)
  const folder = path.join(options.folder, 'webdav')
  for (const name of ['documents/shared', 'documents/archive', 'documents/empty', 'documents/copy', 'lock', 'run'])
    mkdirSync(path.join(folder, name), { recursive: true })
  const tls = await tlsFiles(path.join(folder, 'tls'))
  writeDocuments(path.join(folder, 'documents'))
  await run(['htpasswd', '-cbB', path.join(folder, 'users'), 'hub', hubPassword])
  await run(['htpasswd', '-bB', path.join(folder, 'users'), 'reader', readerPassword])
  const [port, tlsPort] = [await freePort(), await freePort()]
  const config = path.join(folder, 'httpd.conf')
  writeFileSync(config, apacheConfig(folder, port, tlsPort, tls.certificate, tls.key))
  const root = process.getuid?.() === 0
  if (root) execFileSync('chown', ['-R', 'www-data:www-data', folder])
  const server = await startServer({
    command: ['/usr/sbin/apache2', '-f', config, '-DFOREGROUND'],
    log: path.join(options.folder, 'webdav.log'),
    mark: folder,
    answers: () => accepts(port),
    detached: options.detached,
    ...(root ? { user: 'www-data' } : {}),
  })
  return {
    name: 'webdav',
    pid: server.pid,
    stop: server.stop,
    env: {
      DAV_URL: `http://127.0.0.1:${port}/shared/`,
      DAV_ARCHIVE_URL: `http://127.0.0.1:${port}/archive/`,
      DAV_EMPTY_URL: `http://127.0.0.1:${port}/empty/`,
      DAV_EMPTY_TLS_URL: `https://localhost:${tlsPort}/empty/`,
      DAV_COPY_TLS_URL: `https://localhost:${tlsPort}/copy/`,
      DAV_FILES: path.join(folder, 'documents'),
      DAV_ACCESS_LOG: path.join(folder, 'access.log'),
      DAV_TLS_URL: `https://localhost:${tlsPort}/shared/`,
      DAV_CA_FILE: tls.ca,
      DAV_USER: 'hub',
      DAV_PASSWORD: hubPassword,
      DAV_READER: 'reader',
      DAV_READER_PASSWORD: readerPassword,
    },
  }
}

const modules = [
  ...['mpm_event', 'authn_core', 'authn_file', 'auth_basic', 'authz_core', 'authz_user', 'mime'],
  ...['dav', 'dav_fs', 'dav_lock', 'reqtimeout', 'ssl', 'socache_shmcb'],
]

const apacheConfig = (folder: string, port: number, tlsPort: number, certificate: string, key: string): string => `
${modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
ServerRoot ${folder}
ServerName localhost
Listen 127.0.0.1:${port}
Listen 127.0.0.1:${tlsPort} https
PidFile ${folder}/run/pid
DefaultRuntimeDir ${folder}/run
Mutex file:${folder}/run
ErrorLog ${folder}/error.log
CustomLog ${folder}/access.log "%t %u \\"%r\\" %>s %b"
TypesConfig /etc/mime.types
StartServers 1
ServerLimit 2
ThreadsPerChild 16
MaxRequestWorkers 32
DocumentRoot ${folder}/documents
DavLockDB ${folder}/lock/db
FileETag MTime Size
LimitXMLRequestBody 1048576
LimitRequestBody 67108864
SSLSessionCache shmcb:${folder}/run/tls(512000)
<Directory ${folder}/documents>
  Dav On
  Options None
  AllowOverride None
  AuthType Basic
  AuthName documents
  AuthUserFile ${folder}/users
  <Limit GET HEAD OPTIONS PROPFIND>
    Require valid-user
  </Limit>
  <LimitExcept GET HEAD OPTIONS PROPFIND>
    Require user hub
  </LimitExcept>
</Directory>
<Directory ${folder}/documents/archive>
  <LimitExcept GET HEAD OPTIONS PROPFIND>
    Require all denied
  </LimitExcept>
</Directory>
<VirtualHost 127.0.0.1:${tlsPort}>
  SSLEngine on
  SSLCertificateFile ${certificate}
  SSLCertificateKeyFile ${key}
</VirtualHost>
`
