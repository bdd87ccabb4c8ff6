/** What a manifest says about files on an SFTP server. */
import { integer, part, template, type ValueOf } from '../../../language/index.ts'

const SETTINGS = ['settings'] as const

export const sftpPart = part({
  title: 'SFTP',
  sense: 'The files are on a server reached over SSH. Nothing is sent before its host key has been checked.',
  fields: {
    host: template({
      sense: 'Name or address of the server.',
      names: SETTINGS,
      required: true,
      example: 'files.example.com',
    }),
    port: template({ sense: 'Its port.', names: SETTINGS, default: '22' }),
    user: template({ sense: 'User name.', names: SETTINGS, required: true }),
    password: template({ sense: 'Its password; or give `private_key`.', names: SETTINGS }),
    private_key: template({
      sense: 'A private key in OpenSSH or PEM form, with its line breaks. Ed25519, ECDSA or RSA.',
      names: SETTINGS,
    }),
    passphrase: template({ sense: 'Opens the private key, where it is encrypted.', names: SETTINGS }),
    host_key: template({
      sense:
        'The host keys that are trusted, separated by commas or line breaks: fingerprints as `ssh-keygen -l` prints them (`SHA256:…`), or whole keys as in known_hosts (`ssh-ed25519 AAAA…`).',
      names: SETTINGS,
      required: true,
      example: '${ settings.host_key }',
    }),
    folder: template({
      sense:
        'Folder of the files, absolute or below the folder one is in after the login. Nothing outside it is opened.',
      names: SETTINGS,
      default: '.',
    }),
    timeout_seconds: integer({
      sense: 'For the login, and for each request to the server.',
      default: 60,
      minimum: 1,
      maximum: 900,
    }),
  },
  example: `
sftp:
  host: \${ settings.host }
  user: \${ settings.user }
  password: \${ settings.password }
  host_key: \${ settings.host_key }
  folder: /outgoing
`,
})
export type SftpSpec = ValueOf<typeof sftpPart>
