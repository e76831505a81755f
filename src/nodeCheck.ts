/** Imported before all else, so that a Node that is too old ends the import with one sentence. */
import { nodeProblem } from './nodeVersion.ts';

const problem = nodeProblem();
if (problem !== null) throw new Error(problem);
