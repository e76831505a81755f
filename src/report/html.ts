/** Pieces of the page. */
import { escapeXml } from '../picture/text.ts';

/** A section: heading, text that is HTML already, and its figure. */
export function section(title: string, text: readonly string[], figure: string, look = ''): string {
  const style = look === '' ? '' : ` class="${look}"`;
  return `<section${style}><h2>${escapeXml(title)}</h2>\n${text.join('\n')}\n${figure}</section>`;
}

/** A paragraph of HTML. */
export function paragraph(html: string): string {
  return `<p>${html}</p>`;
}

/** A paragraph of what does not apply. */
export function aside(html: string): string {
  return `<p class="note">${html}</p>`;
}

/** A formula: `_x` is an index, `_{n+1}` a longer one; letters are italic. */
export function formula(source: string): string {
  return `<p class="formula">${inline(source)}</p>`;
}

/** A formula inside a sentence. */
export function inline(source: string): string {
  const indexed = escapeXml(source).replaceAll(
    /_\{([^}]*)\}|_(\w)/g,
    (_, long, one) => `<sub>${long ?? one}</sub>`,
  );
  return indexed.replaceAll(/(?<![\w&#<])([a-zλζΔρ])(?![\w;>])/g, '<i>$1</i>').replaceAll('-', '−');
}

/** A figure that spans the page and scrolls on a narrow one. */
export function wide(svg: string): string {
  return `<figure class="wide scroll">${svg}</figure>`;
}
