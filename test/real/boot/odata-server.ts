/** `odata-server.ts FOLDER PORT`: an OData 4 service on loopback over `metadata.xml` and `data/` of the folder. */
import { createServer } from 'node:http'
import path from 'node:path'
import MockServer from '@sap-ux/fe-mockserver-core'

const [folder = '', port = ''] = process.argv.slice(2)
const Service = (MockServer as unknown as { default: typeof MockServer.default }).default
const service = new Service({
  services: [
    {
      ...{ urlPath: '/odata', metadataPath: path.join(folder, 'metadata.xml') },
      ...{ mockdataPath: path.join(folder, 'data'), generateMockData: false },
    },
  ],
})
await service.isReady
createServer((request, response) => {
  const handle = service.getRouter() as unknown as (a: unknown, b: unknown, next: () => void) => void
  handle(request, response, () => response.writeHead(404).end())
}).listen(Number(port), '127.0.0.1')
