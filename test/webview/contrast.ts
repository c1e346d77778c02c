/** Lowest contrast of the panel's texts to what is behind them, and the text that has it. In the page's own language. */
export const lowestContrast = `(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const over = (top, under) => top.slice(0, 3).map((c, i) => c * top[3] / 255 + under[i] * (1 - top[3] / 255));
  const luminance = (c) => { const [r, g, b] = c.map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  let lowest = [99, ''];
  for (const element of document.querySelectorAll('main *')) {
    const text = [...element.childNodes].filter((n) => n.nodeType === 3).map((n) => n.textContent.trim()).join('');
    if (text === '' || element.closest('.visually-hidden, aat-button, svg, [hidden]') || element.getClientRects().length === 0) continue;
    const chain = []; for (let e = element; e; e = e.parentElement) chain.unshift(rgba(getComputedStyle(e).backgroundColor));
    const back = chain.reduce((under, top) => over(top, under), [255, 255, 255]);
    const [a, b] = [luminance(over(rgba(getComputedStyle(element).color), back)), luminance(back)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < lowest[0]) lowest = [ratio, text.slice(0, 60)];
  }
  return lowest;
})()`;
