import type { StepId } from './steps.ts'

export const descriptions: Readonly<Record<StepId, string>> = {
  basics: 'What it is called, whose it is, and what it is for.',
  workspace: 'Where it leads. Paste the address as you have it; Weft finds the rest in it.',
  authentication: 'Who one is at the workspace: people as themselves, and unattended work.',
  compute: 'What it runs on.',
  test: 'Tries the whole way, step by step, before anybody depends on it.',
  complete: 'Look it over. Once complete, your team sees it and can use it.'
}
