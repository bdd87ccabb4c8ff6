import type { Server } from 'node:http'
import { BlockList, isIPv6, type Socket } from 'node:net'
import { networkOf } from '../access/index.ts'

/**
 * Closes sockets beyond `max` per address before they cost a request. Addresses of our own proxies are exempt: behind one,
 * every client has its address.
 */
export function limitSockets(server: Server, max: number, proxies: readonly string[]): void {
  const open = new Map<string, number>()
  const exempt = listOf(proxies)
  server.on('connection', (socket: Socket) => {
    const { remoteAddress } = socket
    if (remoteAddress === undefined || exempt.check(remoteAddress, familyOf(remoteAddress))) return
    const address = networkOf(remoteAddress)
    const count = (open.get(address) ?? 0) + 1
    if (count > max) {
      socket.destroy()
      return
    }
    open.set(address, count)
    socket.once('close', () => {
      const left = open.get(address)! - 1
      if (left) open.set(address, left)
      else open.delete(address)
    })
  })
}

/** How long a request that is on its way when the server stops has to arrive. */
const ON_ITS_WAY_MS = 100

/**
 * Gives a function that closes the sockets over which nothing has come, now and from then on. Browsers and pools open some ahead of need; Node
 * does not count them as idle (https://github.com/nodejs/node/issues/63452), so that they would hold up a stop for a minute.
 */
export function closingUnused(server: Server): () => void {
  const open = new Set<Socket>()
  let isStopping = false
  const closeSoon = (socket: Socket): void => {
    setTimeout(() => socket.bytesRead === 0 && socket.destroy(), ON_ITS_WAY_MS)
  }
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    if (isStopping) closeSoon(socket)
  })
  return () => {
    isStopping = true
    for (const socket of open) closeSoon(socket)
  }
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', bits] = network.split('/')
    if (bits === undefined) list.addAddress(address, familyOf(address))
    else list.addSubnet(address, Number(bits), familyOf(address))
  }
  return list
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIPv6(address) ? 'ipv6' : 'ipv4')
