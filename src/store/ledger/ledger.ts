import type pg from 'pg'
import { timed, timedSteps } from '../../core/index.ts'
import { commitPage, findByKey, readBodies, sampleRecords } from './change-log.ts'
import { readTraces } from './change-traces.ts'
import { decideConflicts, readConflicts } from './conflicts.ts'
import { assignDeadLetter, correctRecord, makeDue, readCorrections, replayEvents } from './corrections.ts'
import {
  commitBatch,
  movePositions,
  noteLateWrites,
  readDeliveries,
  readDue,
  readMarks,
  readPositions,
} from './deliveries.ts'
import { acceptDrift, addDrift, pauseForDrift, readOpenDrifts, readShape, saveShape } from './drifts.ts'
import { buryEvent } from './events.ts'
import { countDelivered, decideHold, findApprovedRecords, holdPush, readApprovedScans } from './holds.ts'
import { readIdentityStanding } from './identity-wait.ts'
import { closeIntents, noteJobs, openIntents, readIntents } from './intents.ts'
import { findFormerTargets, findGoneTargets, findTargets, findUnlinked, findYoungTargets } from './links.ts'
import { findMoved } from './moves.ts'
import * as pulls from './pulls.ts'
import { lastRecords, readLog } from './read-log.ts'
import { readConnection, readRegistry, readStream, readSync, registerHub } from './registration.ts'
import { readRunWrites } from './run-writes.ts'
import { beatRun, finishRun, markInterrupted, readRun, startRun } from './runs.ts'
import { countScan, finishHold, finishScan, holdScan, sampleHeld, sampleVanished } from './scans.ts'
import { clearSuspect, countDeaths, countSilentWorkers, noteSuspect } from './suspects.ts'
import { readTargetKeys } from './target-keys.ts'
import { findOwners, findTwins } from './twins.ts'
import * as work from './work.ts'
import { readWritesUnderWay } from './writes-under-way.ts'

const functions = {
  commitPage,
  readLog,
  lastRecords,
  readBodies,
  findByKey,
  findMoved,
  readTraces,
  sampleRecords,
  countScan,
  sampleVanished,
  finishScan,
  holdScan,
  sampleHeld,
  finishHold,
  decideHold,
  readApprovedScans,
  holdPush,
  findApprovedRecords,
  countDelivered,
  readShape,
  saveShape,
  addDrift,
  readOpenDrifts,
  acceptDrift,
  pauseForDrift,
  findFormerTargets,
  readDeliveries,
  readMarks,
  noteLateWrites,
  readDue,
  readPositions,
  movePositions,
  commitBatch,
  readIntents,
  openIntents,
  closeIntents,
  noteJobs,
  readTargetKeys,
  readWritesUnderWay,
  findGoneTargets,
  findOwners,
  findTargets,
  findTwins,
  findUnlinked,
  findYoungTargets,
  readIdentityStanding,
  registerHub,
  readRegistry,
  readStream,
  readSync,
  readConnection,
  startRun,
  readRun,
  readRunWrites,
  beatRun,
  finishRun,
  markInterrupted,
  requestPull: pulls.requestPull,
  makePullDue: pulls.makePullDue,
  beginPull: pulls.beginPull,
  endPull: pulls.endPull,
  failPull: pulls.failPull,
  putOffPull: pulls.putOffPull,
  putOffPush: work.putOffPush,
  findPendingPulls: work.findPendingPulls,
  findPendingPushes: work.findPendingPushes,
  findPendingInboxes: work.findPendingInboxes,
  wakeDependents: work.wakeDependents,
  followChanges: work.followChanges,
  setWait: work.setWait,
  forgetPastWait: work.forgetPastWait,
  setConnectionState: work.setConnectionState,
  setSyncState: work.setSyncState,
  notePush: work.notePush,
  endPushWait: work.endPushWait,
  mayPush: work.mayPush,
  noteLane: work.noteLane,
  laneFailures: work.laneFailures,
  laneWaits: work.laneWaits,
  findWaitingLanes: work.findWaitingLanes,
  askAuthorisation: work.askAuthorisation,
  readRefused: work.readRefused,
  hasPendingPush: work.hasPendingPush,
  readInbox: work.readInbox,
  settleEvent: work.settleEvent,
  settleEvents: work.settleEvents,
  buryEvent,
  countDeaths,
  countSilentWorkers,
  noteSuspect,
  clearSuspect,
  readConflicts,
  decideConflicts,
  correctRecord,
  readCorrections,
  assignDeadLetter,
  replayEvents,
  makeDue,
  requeueDeadLetters: work.requeueDeadLetters,
  discardDeadLetters: work.discardDeadLetters,
  dropOrphanedIntents: work.dropOrphanedIntents,
}

type Bound<F> = F extends (pool: pg.Pool, ...rest: infer A) => infer R ? (...args: A) => R : never
/** The ledger as the pipeline uses it: every function of this folder with the pool filled in. */
export type Ledger = { [K in keyof typeof functions]: Bound<(typeof functions)[K]> }

/** What a function of the ledger answers with at once, or gives bit by bit. */
type Given = Promise<unknown> | AsyncIterable<unknown>

/** Of a pool; or of a session within a transaction, for what is to be committed with something else. */
export function createLedger(pool: pg.Pool | pg.PoolClient): Ledger {
  const bound = Object.entries(functions).map(([name, run]) => [
    name,
    (...args: unknown[]) => {
      const given = (run as (...args: unknown[]) => Given)(pool, ...args)
      return Symbol.asyncIterator in given ? timedSteps('storing', given) : timed('storing', () => given)
    },
  ])
  return Object.fromEntries(bound) as Ledger
}
