// Numbers for people, as the package writes them: a few significant digits, a real minus sign.

function shown(number, digits = trace.digits) {
  if (Number.isNaN(number)) return "nan";
  if (!Number.isFinite(number)) return number < 0 ? "−∞" : "∞";
  const rounded = Number(number.toPrecision(digits)),
    size = Math.abs(rounded);
  let text;
  if (size === 0) text = "0";
  else if (size >= 10 ** digits && size < 10 ** (digits + 2)) text = number.toFixed(0);
  else if (size >= 1e-3 && size < 10 ** digits) text = String(rounded);
  else {
    const [mantissa, exponent] = rounded.toExponential(digits - 1).split("e");
    text = Number(mantissa) + "e" + Number(exponent);
  }
  return text.replaceAll("-", "−");
}

// A gradient or local derivative: where there is none, that is said.
const shownDerivative = (number) => (Number.isNaN(number) ? "none" : shown(number));
