"""Pictures one after the other: a GIF, a page to step through, a PDF with a page each, or numbered PNG files."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

from tinygrad_edu.engine import plural
from tinygrad_edu.files import PathLike, form, in_script, write
from tinygrad_edu.plot.canvas import canvas, matplotlib, png
from tinygrad_edu.shell import install
from tinygrad_edu.themes import theme as theme_named

FORMATS = (".gif", ".html", ".pdf", ".png")
DPI = 100


def animate(
    pictures: Iterable[Any],
    path: PathLike,
    *,
    captions: Sequence[str] = (),
    seconds: float = 1.0,
    theme: str = "light",
) -> Path:
    """Write pictures as one animation, in the format that the file's name ends with.

    >>> import tempfile
    >>> from tinygrad_edu.plot import plot_history
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     animate([plot_history([4.0]), plot_history([4.0, 1.0])], folder + "/losses.gif").name
    'losses.gif'

    Arguments:
        pictures: Matplotlib figures, such as `plot_decision_boundary` of each epoch; or drawings, such as
            `draw(root, step=k)` of each step; or anything with `pipe(format="png")` or `_repr_png_()`.
        path: .gif; .html, a page without a network, with buttons and a slider; .pdf, a page each; .png, numbered files,
            steps-01.png, steps-02.png, ….
        captions: a line of text under each picture, such as the formula of a step; without any, the pictures' own
            `caption`, where they have one.
        seconds: how long each is shown; the last one three times as long.
        theme: behind the captions.

    Returns the path, of the first file for .png. Nothing half-written is left. Raises ValueError for another format, no
    pictures and captions that are not as many; ImportError without Matplotlib and Pillow.
    """
    kind, path = form("animate", path, FORMATS), Path(path)
    if not seconds > 0:
        raise ValueError(f"animate expected seconds above 0, got {seconds!r}")
    if not isinstance(pictures, Iterable):
        raise TypeError(f"animate expected figures or drawings in a list, got {type(pictures).__name__}")
    drawn = list(pictures)
    if not drawn:
        raise ValueError("animate expected at least one picture, got none")
    texts = [str(text) for text in captions] or [str(getattr(picture, "caption", "")) for picture in drawn]
    if len(texts) != len(drawn):
        raise ValueError(f"animate expected {plural(len(drawn), 'caption')}, got {len(texts)}")
    images = [picture_of(picture) for picture in drawn]
    if kind == ".html":
        return write(path, page(images, texts, seconds, theme))
    width, height = (max(sizes) for sizes in zip(*[image.size for image in images], strict=True))
    sheets = [sheet(image, text, (width, height), any(texts), theme) for image, text in zip(images, texts, strict=True)]
    if kind == ".gif":
        return write(path, gif(sheets, seconds))
    if kind == ".pdf":
        made = BytesIO()
        with matplotlib()["PdfPages"](made) as pages:
            for figure in sheets:
                pages.savefig(figure)
        return write(path, made.getvalue())
    digits = len(str(len(sheets)))
    names = [path.with_name(f"{path.stem}-{k:0{max(digits, 2)}}.png") for k in range(1, len(sheets) + 1)]
    for name, figure in zip(names, sheets, strict=True):
        write(name, png(figure, DPI))
    return names[0]


def pillow() -> Any:
    """Pillow, which Matplotlib brings along."""
    try:
        from PIL import Image
    except ImportError:
        raise ImportError(f"animations need Pillow: {install('pillow')}") from None
    return Image


def picture_of(picture: Any) -> Any:
    """A picture of any kind as an image of Pillow's."""
    if hasattr(picture, "savefig"):
        data = png(picture)
    elif hasattr(picture, "pipe"):
        data = picture.pipe(format="png")
    elif hasattr(picture, "_repr_png_"):
        data = picture._repr_png_()
    else:
        raise TypeError(f"animate expected figures or drawings, got {type(picture).__name__}")
    return pillow().open(BytesIO(data)).convert("RGB")


def sheet(image: Any, caption: str, size: tuple[int, int], with_caption: bool, theme: str) -> Any:
    """A figure of one size for all pictures, with the caption below."""
    width, height = size[0] / DPI, size[1] / DPI
    below = 0.5 * with_caption
    figure, [ax], colours = canvas(theme, (max(width, 4.0 * with_caption), height + below))
    ax.set_position((0, below / (height + below), 1, height / (height + below)))
    ax.set_axis_off()
    ax.imshow(image)
    if caption:
        figure.text(
            0.5, below / 2 / (height + below), caption, ha="center", va="center", color=colours.text, fontsize=11
        )
    return figure


def gif(sheets: Sequence[Any], seconds: float) -> bytes:
    frames = [pillow().open(BytesIO(png(figure, DPI))).convert("RGB") for figure in sheets]
    made = BytesIO()
    times = [round(1000 * seconds)] * (len(frames) - 1) + [round(3000 * seconds)]
    frames[0].save(made, format="GIF", save_all=True, append_images=frames[1:], duration=times, loop=0)
    return made.getvalue()


def page(images: Sequence[Any], captions: Sequence[str], seconds: float, theme: str) -> str:
    """A page of its own: nothing is loaded, keys and buttons step, the slider seeks."""
    colours = theme_named(theme)
    sources = []
    for image in images:
        made = BytesIO()
        image.save(made, format="PNG", optimize=True)
        sources.append("data:image/png;base64," + b64encode(made.getvalue()).decode())
    return PAGE.format(
        background=colours.background,
        text=colours.text,
        line=colours.line,
        last=len(images) - 1,
        first=escape(sources[0]),
        caption=escape(captions[0]),
        data=in_script([sources, list(captions)]),
        milliseconds=round(1000 * seconds),
    )


PAGE = """\
<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>Step by step</title>
<style>
body {{ background: {background}; color: {text}; font: 16px system-ui, sans-serif; margin: 1rem; text-align: center }}
img {{ max-width: 100% }}
button {{ color: inherit; background: transparent; border: 1px solid {line}; border-radius: 4px; padding: .4rem .9rem }}
input {{ width: min(24rem, 60%); vertical-align: middle }}
</style>
<img id="picture" src="{first}" alt="">
<p id="caption" aria-live="polite">{caption}</p>
<p>
<button id="back">Back</button> <button id="play" aria-pressed="false">Play</button> <button id="next">Next</button>
<label>Step <output id="step">1</output> <input id="at" type="range" min="0" max="{last}" value="0"></label>
</p>
<script type="application/json" id="data">{data}</script>
<script>
"use strict";
const [pictures, captions] = JSON.parse(document.getElementById("data").textContent);
const part = Object.fromEntries(["picture", "caption", "back", "play", "next", "step", "at"]
  .map(name => [name, document.getElementById(name)]));
let at = 0, timer = 0;
function show(k) {{
  at = (k + pictures.length) % pictures.length;
  part.picture.src = pictures[at];
  part.picture.alt = captions[at] || `Step ${{at + 1}}`;
  part.caption.textContent = captions[at];
  part.step.textContent = at + 1;
  part.at.value = at;
}}
function play(on) {{
  clearInterval(timer);
  timer = on ? setInterval(() => show(at + 1), {milliseconds}) : 0;
  part.play.textContent = on ? "Pause" : "Play";
  part.play.setAttribute("aria-pressed", on);
}}
part.back.onclick = () => {{ play(false); show(at - 1); }};
part.next.onclick = () => {{ play(false); show(at + 1); }};
part.play.onclick = () => play(!timer);
part.at.oninput = () => {{ play(false); show(Number(part.at.value)); }};
document.onkeydown = event => {{
  if (event.target === part.at) return;
  if (event.key === "ArrowLeft") part.back.onclick();
  if (event.key === "ArrowRight") part.next.onclick();
}};
show(0);
</script>
</html>
"""
