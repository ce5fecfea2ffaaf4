import { isObject } from '../../simulation/exchange.ts'
import { type Answer, type Call, invalidParameter } from './answer.ts'

type Settings = Readonly<Record<string, unknown>>

const tagsMax = 25
const cron = /^(\S+ ){5,6}\S+$/

/** Why the settings of a job are not taken; undefined where they are. */
export function refusalOfSettings(call: Call, settings: Settings): Answer | undefined {
  const { tags = {}, schedule, tasks } = settings
  const refuse = (message: string) => invalidParameter(call, message)
  if (!isObject(tags) || Object.values(tags).some((value) => typeof value !== 'string')) {
    return refuse('tags must be a map of strings.')
  }
  if (Object.keys(tags).length > tagsMax) {
    return refuse(`A job can have at most ${tagsMax} tags.`)
  }
  if (Array.isArray(tasks)) {
    const bad = tasks.find((task) => !isObject(task) || typeof task.task_key !== 'string')
    if (bad !== undefined) return refuse('Each of the tasks must have a task_key.')
  }
  if (schedule === undefined) return undefined
  const { quartz_cron_expression: when, timezone_id: zone } = isObject(schedule) ? schedule : {}
  if (typeof when !== 'string' || !cron.test(when)) {
    return refuse(`Invalid quartz_cron_expression '${String(when)}' in schedule.`)
  }
  return typeof zone === 'string' ? undefined : refuse('Missing timezone_id in schedule.')
}

/** As the workspace tells them: with what it fills in, and in lists without tasks. */
export function toldSettings(settings: Settings, hasTasks: boolean): Settings {
  const told: Record<string, unknown> = {
    email_notifications: {},
    webhook_notifications: {},
    timeout_seconds: 0,
    max_concurrent_runs: 1,
    ...settings,
    format: 'MULTI_TASK'
  }
  if (!hasTasks) for (const name of ['tasks', 'job_clusters']) delete told[name]
  return told
}

/** Whether it has a schedule that is not paused. */
export function isScheduled({ schedule }: Settings): boolean {
  return isObject(schedule) && schedule.pause_status !== 'PAUSED'
}
