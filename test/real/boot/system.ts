/** What starting a real system needs and gives; every system file exports one `boot` of this shape. */
export type BootOptions = {
  /** Folder of this run: configuration, data, logs. */
  folder: string
  /** apt-get what is missing (root only). */
  install: boolean
  /** True: keeps running after the starting process has ended. */
  detached: boolean
}

export type RunningSystem = {
  name: string
  pid: number
  /** Addresses and invented credentials, ready for `process.env`. */
  env: Record<string, string>
  stop(): Promise<void>
}
