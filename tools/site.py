"""What `mkdocs build` does differently for this site: hooks that mkdocs.yml names. Needs the extra `site`.

Documents link to each other and to files outside docs/ as they lie in the repository. Here each such file becomes a
page, and links lead to it. Notebooks become pages with the outputs that they keep. Menus follow docs/README.md.
mkdocs-jupyter would do the second with thirty packages more, and loads scripts from a network when it is read.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PROJECT = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "CITATION.cff")
"""Files of the repository's root that have a page of their own in the menu."""
LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(#[^)\s]*)?\)")
FENCE = re.compile(r"^(```.*?^```)$", re.M | re.S)
LANGUAGES = {".py": "python", ".toml": "toml", ".md": "markdown", ".csv": "text", ".v": "verilog", ".cff": "yaml"}
MOST_BYTES = 200_000
"""Of a file that is shown whole."""
_sources: dict[str, Path] = {}


def slug(heading: str, separator: str = "-") -> str:
    """The anchor that GitHub gives a heading, which links in the repository rely on."""
    return re.sub(r"[^\w -]", "", heading.strip().lower()).replace(" ", separator)


def place(path: Path) -> str:
    """Where a file or folder of the repository lies in the site's sources."""
    if path == DOCS:
        return "index.md"
    if path == DOCS / "README.md":
        return "documents.md"
    if path.is_relative_to(DOCS):
        inside = path.relative_to(DOCS)
        return inside.with_suffix(".md").as_posix() if path.suffix == ".ipynb" else inside.as_posix()
    inside = path.relative_to(ROOT)
    if str(inside) in PROJECT:
        return f"project/{inside.stem.lower()}.md"
    return f"source/{inside}/index.md" if path.is_dir() else f"source/{inside}.md"


def targets(text: str, source: Path) -> Iterator[Path]:
    """Files and folders of the repository that a text links to."""
    for name, _ in LINK.findall(FENCE.sub("", text)):
        if name:
            yield (source.parent / name).resolve()


def relinked(text: str, source: Path, uri: str) -> str:
    """A text whose links lead from the page `uri`; those in blocks of code stay."""

    def moved(link: re.Match[str]) -> str:
        name, fragment = link[1], link[2] or ""
        if not name:
            return link[0]
        there = place((source.parent / name).resolve())
        return f"]({os.path.relpath(there, os.path.dirname(uri) or '.')}{fragment})"

    parts = FENCE.split(text)
    return "".join(part if part.startswith("```") else LINK.sub(moved, part) for part in parts)


def fenced(path: Path) -> str:
    """A file of code as a block."""
    text = path.read_text(encoding="utf-8")[:MOST_BYTES].rstrip("\n")
    return f"````{LANGUAGES.get(path.suffix, 'text')}\n{text}\n````\n"


def source_page(path: Path) -> str:
    """A page of a file outside docs/, or of all files of a folder."""
    name = path.relative_to(ROOT).as_posix()
    if not path.is_dir():
        return path.read_text(encoding="utf-8") if path.suffix == ".md" else f"# {name}\n\n{fenced(path)}"
    files = [each for each in sorted(path.iterdir()) if each.is_file() and each.suffix in LANGUAGES]
    return "\n".join([f"# {name}\n", *(f"## {each.name}\n\n{fenced(each)}" for each in files)])


def notebook_page(path: Path, pictures: dict[str, bytes]) -> str:
    """A notebook as Markdown; its pictures go to `pictures` by their names beside the page."""
    parts = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(text)
            continue
        parts.append(f"```python\n{text}\n```")
        for output in cell["outputs"]:
            parts.append(_output(output, f"{path.stem}-{len(pictures)}.png", pictures))
    return "\n\n".join(parts) + "\n"


def _output(output: dict[str, Any], name: str, pictures: dict[str, bytes]) -> str:
    data = output.get("data", {"text/plain": output.get("text")})
    if "image/png" in data:
        pictures[name] = base64.b64decode(data["image/png"])
        return f"![what the code above draws]({name})"
    if "text/html" in data:
        return f'<div class="output">{"".join(data["text/html"])}</div>'
    return f"```text\n{''.join(data['text/plain']).rstrip()}\n```"


def menus(text: str) -> list[Any]:
    """The site's menus: the rows of docs/README.md with their links, in order, by the words that link."""
    found: list[Any] = [{"Home": "index.md"}]
    for first, row in re.findall(r"^\| (\w+)/ \|(.*)\|$", text, re.M):
        entries: list[Any] = []
        for words, name in re.findall(r"\[([^]]+)\]\(([^)]+)\)", row):
            title, path = words if words.startswith("oxmc") else words[0].upper() + words[1:], DOCS / name
            if path.name == "README.md":
                inside = [place(each) for each in sorted(path.parent.glob("*.md")) if each != path]
                entries.append({title: [place(path), *inside]})
            else:
                entries.append({title: place(path)})
        found.append({first.capitalize(): entries})
    project = [{name.partition(".")[0].capitalize(): place(ROOT / name)} for name in PROJECT]
    return [*found, {"Project": [{"Design": "design.md"}, {"All documents": "documents.md"}, *project]}]


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    config.mdx_configs.setdefault("toc", {})["slugify"] = slug
    config.nav = menus((DOCS / "README.md").read_text(encoding="utf-8"))
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add pages of notebooks, of docs/README.md and of whatever is linked to outside docs/."""
    from mkdocs.structure.files import File

    _sources.clear()

    def add(path: Path, text: str) -> None:
        uri = place(path)
        _sources[uri] = path
        files.append(File.generated(config, uri, content=text))

    for file in list(files):
        path = DOCS / file.src_uri
        if path.suffix == ".ipynb":
            files.remove(file)
            pictures: dict[str, bytes] = {}
            add(path, notebook_page(path, pictures))
            for name, content in pictures.items():
                files.append(File.generated(config, str(Path(place(path)).with_name(name)), content=content))
        elif file.is_documentation_page() and file.inclusion.is_included():
            _sources[file.src_uri] = path
    add(DOCS / "README.md", (DOCS / "README.md").read_text(encoding="utf-8"))
    for name in PROJECT:
        add(ROOT / name, source_page(ROOT / name))
    for path in list(_sources.values()):
        for target in targets(path.read_text(encoding="utf-8"), path) if path.suffix == ".md" else ():
            if target.exists() and not target.is_relative_to(DOCS) and place(target) not in _sources:
                add(target, source_page(target))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    source = _sources[page.file.src_uri]
    return relinked(markdown, source, page.file.src_uri) if source.suffix in (".md", ".ipynb") else markdown
