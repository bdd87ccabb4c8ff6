// Starts the language server of Causeway in the hub folder and lets VS Code talk to it.
const { dirname } = require('node:path')
const vscode = require('vscode')
const { LanguageClient } = require('vscode-languageclient/node')

let client

exports.activate = async () => {
  const [hub] = await vscode.workspace.findFiles('**/causeway.yaml', '**/node_modules/**', 1)
  if (!hub) return
  const [command, ...args] = vscode.workspace.getConfiguration('causeway').get('command')
  const server = { command, args, options: { cwd: dirname(hub.fsPath) } }
  client = new LanguageClient('causeway', 'Causeway', server, {
    documentSelector: [{ scheme: 'file', pattern: '**/mappings/**/*.{yaml,yml}' }],
  })
  await client.start()
}

exports.deactivate = () => client?.stop()
