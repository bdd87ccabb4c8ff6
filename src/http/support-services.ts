/** A file of a support bundle. */
export type SupportFile = { name: string; text: string }

export interface SupportServices {
  /** What whoever helps from outside needs to know; nothing of people, nothing secret. */
  files(): Promise<SupportFile[]>
}
