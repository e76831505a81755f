/** What follows the scores of an evaluation where the model's output for some images is not finite. */
export function outputless(images: number): string {
  if (images === 0) return '';
  return `; the output for ${images} of them is not finite: they count as wrong, without a confidence`;
}
