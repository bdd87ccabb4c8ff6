/** What the parts of a batch were answered. */
import type { Json } from '../../../core/index.ts'

/** The answer to one write, read as any other. */
export type ResultOfPart = { status: number; headers: Record<string, string>; body: Json }
/** Its answer as it came. */
export type PartAnswer = { status: number; headers: Record<string, string>; body: Json | undefined }

/** Status of a write that the service did not look at, because it stopped before. */
export const NOT_REACHED = 424
/** Status of a write whose answer is lost. */
export const LOST = 0
