import sparticuz from '@sparticuz/chromium'
import { type Browser, chromium } from 'playwright-core'

/** A graphics card in software: it makes a picture of a page take four times as long. */
const gpu = ['--ignore-gpu-blocklist', '--in-process-gpu', '--enable-unsafe-swiftshader']
const unwanted = (arg: string) =>
  arg === '--single-process' || arg.startsWith('--use-') || gpu.includes(arg)

/** Headless Chromium out of its npm package, quiet: it asks nobody for anything but what a page asks for. */
export async function openBrowser(): Promise<Browser> {
  const quiet = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--disable-default-apps',
    '--disable-domain-reliability',
    '--disable-features=OptimizationHints,MediaRouter,Translate'
  ]
  return await chromium.launch({
    executablePath: await sparticuz.executablePath(),
    args: [...sparticuz.args.filter((arg) => !unwanted(arg)), ...quiet]
  })
}
