/** `npm run -s sbom > weft.cdx.json`: the bill of materials of an image, on stdout. */
import { sbomText } from './sbom.ts'

process.stdout.write(sbomText())
