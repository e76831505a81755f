/** The analysis as one HTML page that needs nothing else. */
import type { Analysis, Region } from '../../analyze/analysis.ts';
import { expected } from '../../errors.ts';
import { escapeXml } from '../../picture/text.ts';
import { short } from '../chart.ts';
import { aside, formula, inline, paragraph, section, wide } from '../html.ts';
import { imageColor, regionFigure, trajectoryFigure } from '../plane.ts';
import { style } from '../style.ts';
import { kFigure, modifiedFigure, normFigure } from './depth.ts';
import { glance } from './glance.ts';
import { stepTable } from './table.ts';

/**
 * A self-contained page of an analysis: no script, no file beside it, light or dark as the reader's system,
 * fit for a phone and for paper.
 *
 * @example
 * await writeFile('model.html', analysisPage(await analyze(model)));
 */
export function analysisPage(analysis: Analysis): string {
  if (!Array.isArray(analysis?.steps)) throw expected('ERR_CONFIG', 'an analysis', 'analysis', analysis);
  const parts = [
    header(analysis),
    kSection,
    modifiedSection,
    regionSection,
    normSection,
    trajectorySection,
    tableSection,
  ];
  const body = parts.map((part) => (typeof part === 'string' ? part : part(analysis)));
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeXml(analysis.name)}: the network as an integrator</title>
<style>${style}</style>
</head>
<body><main>
${body.join('\n')}
<footer>Made by lm-resnet. Formulas: Lu, Zhong, Li, Dong, “Beyond Finite Layer Neural Networks”, ICML 2018.</footer>
</main></body>
</html>
`;
}

function header(analysis: Analysis): string {
  const { name, parameters, macs, input, classes, schemes, stages, steps, images, data } = analysis;
  const count = (n: number): string => n.toLocaleString('en-US');
  const facts = [
    ['Scheme', schemes.join(', ')],
    [
      'Steps',
      `${steps.length} in ${stages.length} ${stages.length === 1 ? 'stage' : 'stages'} (${stages.map((s) => s.steps).join(' + ')})`,
    ],
    ['Parameters', count(parameters)],
    ['Multiply-accumulates', `${count(macs)} per image`],
    ['Image, classes', `${input.channels} × ${input.height} × ${input.width}, ${classes} classes`],
    [
      'Measured on',
      images === 0
        ? 'no images'
        : `${count(images)} ${images === 1 ? 'image' : 'images'}${data === null ? '' : ` of ${data}`}`,
    ],
  ];
  const list = facts.map(
    ([term = '', fact = '']) => `<div><dt>${escapeXml(term)}</dt><dd>${escapeXml(fact)}</dd></div>`,
  );
  const lines = (items: readonly string[]): string =>
    `<ul>${items.map((item) => `<li>${item}</li>`).join('')}</ul>`;
  const seen = glance(analysis);
  const { notes } = analysis;
  return `<header><h1>${escapeXml(name)}</h1>
<p class="lead">The network read as a numerical integrator of an ordinary differential equation: one residual block is one time step.</p>
<dl class="facts">${list.join('')}</dl></header>
${seen.length === 0 ? '' : section('At a glance', [lines(seen)], '')}
${notes.length === 0 ? '' : section('Notes', [lines(notes.map(escapeXml))], '')}`;
}

function kSection(analysis: Analysis): string {
  const figure = kFigure(analysis);
  const title = 'How much of the past each step keeps: k against depth';
  if (figure === null)
    return section(
      title,
      [
        aside('Does not apply: no step of this network reads an older state as eq. (1) of the paper does.'),
        formula('u_{n+1} = (1 - k_n) u_n + k_n u_{n-1} + f_n(u_n)'),
      ],
      '',
    );
  return section(
    title,
    [
      formula('u_{n+1} = (1 - k_n) u_n + k_n u_{n-1} + f_n(u_n)'),
      paragraph(
        `Every dot is the ${inline('k_n')} of one step, from the first block on the left to the last on the right; ${inline('k = 0')} is a plain residual block, below it the step carries on with the last change (momentum), above it the step averages with the state before.`,
      ),
      paragraph(
        `In the green band, ${inline('-1 < k ≤ 1')}, the roots 1 and ${inline('-k')} of the step with ${inline('f = 0')} keep the recursion bounded (zero-stability); a dot outside is red and means that without ${inline('f')} the states would grow from step to step.`,
      ),
      aside(
        `The paper's condition is usually quoted with both ends, ${inline('-1 ≤ k ≤ 1')}. At ${inline('k = -1')} the root 1 is double and the recursion grows linearly, so that end is left out here.`,
      ),
    ],
    wide(figure),
  );
}

function modifiedSection(analysis: Analysis): string {
  const figure = modifiedFigure(analysis);
  const title = 'The equation the steps really solve';
  if (figure === null)
    return section(
      title,
      [
        aside(
          'Does not apply: no step is a linear multistep formula with one f at the newest state, for which this equation is derived.',
        ),
      ],
      '',
    );
  return section(title, [...modifiedFormula(analysis), ...modifiedText], wide(figure));
}

const modifiedText: readonly string[] = [
  paragraph(
    `A step follows this modified equation up to higher orders of the step size: the blue dots weigh the velocity ${inline('u′')}, the orange ones the acceleration ${inline('u″')}.`,
  ),
  paragraph(
    'Where orange is above the dotted ½ and blue below the dotted 1, the step has more inertia than a plain residual block and moves faster; for plain blocks every dot lies on its dotted line.',
  ),
];

/** With k as in the paper; for another multistep formula with its history coefficients a_j. */
function modifiedFormula({ steps }: Analysis): string[] {
  if (steps.some(({ k }) => k !== null)) return [formula('(1 + k_n) u′ + (1 - k_n)/2 · Δt u″ = f(u)')];
  if (steps.every(({ kind }) => kind === null || kind === 'one-step'))
    return [formula('u′ + 1/2 · Δt u″ = f(u)')];
  return [
    formula('u_{n+1} = Σ a_j u_{n-j} + b f(u_n)'),
    formula('(1 + Σ j a_j) u′ + (1 - Σ j² a_j)/2 · Δt u″ = b f(u)'),
  ];
}

function regionSection(analysis: Analysis): string {
  const shown = analysis.regions.filter(({ starting }) => !starting);
  const title = 'Where the steps are stable';
  if (shown.length === 0)
    return section(
      title,
      [
        aside(
          'Does not apply: no step is a linear recurrence in u and f, so there is no stability polynomial to read off.',
        ),
      ],
      '',
    );
  const starts = analysis.regions
    .filter(({ starting }) => starting)
    .reduce((sum, { steps }) => sum + steps, 0);
  const several =
    starts > 0
      ? [
          aside(
            starts === 1
              ? 'One more step only starts the history, from fewer states; it is not in this figure.'
              : `${starts} more steps only start the history, from fewer states; they are not in this figure.`,
          ),
        ]
      : [];
  return section(
    title,
    [
      formula('f(u) = z u, z = Δt λ: stable where every root ζ of the step has |ζ| ≤ 1'),
      paragraph(
        `The step is applied to the test equation ${inline('u′ = λ u')}: inside its curve errors do not grow, outside they do, and the dashed circle is forward Euler, the plain ResNet.`,
      ),
      paragraph(
        `The further a curve reaches to the left, the stronger a damping ${inline('λ')} (or the larger a step) it stands; the eigenvalues of the derivative of ${inline('f_n')} would have to lie inside for every step.`,
      ),
      ...several,
    ],
    shown.map(regionPanel).join('\n'),
  );
}

function regionPanel(region: Region): string {
  const { scheme, kind, steps, variants } = region;
  const hasK = variants.some(({ k }) => k !== null);
  const far = (h: number): string => (h >= 64 ? '≥ 64' : short(h));
  const rows = variants.map(({ which, k, real, imaginary, path }) => {
    const name = which === 'all' ? 'all steps' : which;
    const where = path !== null && which !== 'all' ? `<br><span class="note">${escapeXml(path)}</span>` : '';
    const kCell = hasK ? `<td>${k === null ? '–' : short(k)}</td>` : '';
    return `<tr><td>${name}${where}</td>${kCell}<td>${far(real)}</td><td>${far(imaginary)}</td></tr>`;
  });
  const head = `<tr><th></th>${hasK ? `<th>${inline('k')}</th>` : ''}<th>real axis</th><th>imaginary axis</th></tr>`;
  const closed = hasK ? ` For eq. (1) with |${inline('k')}| &lt; 1 the first is ${inline('2(1 - k)')}.` : '';
  return `<h3>${escapeXml(scheme)}: ${kind}, ${steps} ${steps === 1 ? 'step' : 'steps'}</h3>${remarks(region)}
<div class="panels"><figure>${regionFigure(region)}</figure>
<div class="side scroll" role="region" aria-label="Regions of stability" tabindex="0"><table><thead>${head}</thead><tbody>${rows.join('')}</tbody></table>
<p class="note">Lengths of the stable interval from 0 along the negative real and the imaginary axis.${closed}</p></div></div>`;
}

function remarks({ variants, kind }: Region): string {
  const flat = variants.every(({ lines }) => lines.length === 0);
  return [
    ...(flat
      ? [aside('The region has no inside: the scheme is stable on the thick part of an axis only.')]
      : []),
    ...(kind === 'two-variable'
      ? [
          aside(
            'Two-variable scheme: both variables are coupled with the same z, every f being z times its argument.',
          ),
        ]
      : []),
  ].join('');
}

function normSection(analysis: Analysis): string {
  const figure = normFigure(analysis);
  const title = 'How large each step is';
  if (figure === null) return section(title, [aside('Not measured: no images were given.')], '');
  return section(
    title,
    [
      paragraph(
        `For every step, on the images: the norm of the residual function ${inline('f_n')} as a part of the norm of its argument (blue), and the part by which the state changes (orange); means over ${analysis.images} images in evaluation mode.`,
      ),
      paragraph(
        'Small values, about 0.1, are short time steps that follow a smooth flow; values near 1 or above mean that a block replaces what it was given rather than correcting it. Transitions, which change the shape, have no orange dot.',
      ),
    ],
    wide(figure),
  );
}

function trajectorySection(analysis: Analysis): string {
  const title = 'The way of an image through the network';
  const [first] = analysis.trajectories;
  if (first === undefined) return section(title, [aside('Not measured: no images were given.')], '');
  const swatches = first.images.map(
    ({ name }, i) => `<li><i style="background:${imageColor(i)}"></i>${escapeXml(name)}</li>`,
  );
  return section(
    title,
    [
      paragraph(
        'Every line is one image: the states after each step, averaged over their pixels, in the plane in which all these points spread most (the first two principal components, one plane per stage).',
      ),
      paragraph(
        'A line runs from its hollow dot to the full one; short equal pieces are a smooth flow, and lines that start together and end apart show where the network tells the images apart.',
      ),
      `<ul class="swatches">${swatches.join('')}</ul>`,
    ],
    `<div class="panels">${analysis.trajectories.map((stage) => `<figure>${trajectoryFigure(stage)}</figure>`).join('\n')}</div>`,
  );
}

function tableSection(analysis: Analysis): string {
  return section('All steps', [], stepTable(analysis), 'long');
}
