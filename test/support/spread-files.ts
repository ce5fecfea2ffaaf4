import { BaseSequencer, type TestSpecification } from 'vitest/node'

const ofPages = '/test/ui/'
/** Of the run, within which the pages' files begin: whoever begins at the very end works alone. */
const share = 0.85

/** The pages' files take turns at one stack, so they are spread over the run: none of them waits in a worker. */
export class SpreadFiles extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const pages = sorted.filter(({ moduleId }) => moduleId.includes(ofPages))
    const others = sorted.filter((file) => !pages.includes(file))
    const stepFiles = Math.max(1, Math.floor((others.length * share) / pages.length))
    return others
      .flatMap((file, at) => {
        const page = at % stepFiles === 0 ? pages[at / stepFiles] : undefined
        return page === undefined ? [file] : [page, file]
      })
      .concat(pages.slice(Math.ceil(others.length / stepFiles)))
  }
}
