"""The command line: `acga demo | segment | pretrain | train | evaluate | ablate | data …`, also as `python -m acga`.

What a user did wrong is one line on stderr and exit code 2; an interruption is exit code 130. PyTorch is imported only when a command
computes, so that `--help` is answered at once.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence

from tyro.extras import SubcommandApp

from . import __version__
from .commands.common import tell
from .commands.data import check, download, extract, synthesize
from .commands.segmenting import demo, segment
from .commands.studying import ablate
from .commands.training import evaluate, pretrain, train
from .errors import AcgaError

DESCRIPTION = "Segment actors in videos from sentences: a reproduction of ACGA (ICCV 2019)."

app, data = SubcommandApp(), SubcommandApp()
for command in (demo, segment, pretrain, train, evaluate, ablate):
    app.command(command)
for subcommand in (synthesize, check, extract, download):
    data.command(subcommand)
app.command(data, name="data", help="Draw, check, extract or download data.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit code: 0, 2 for what the user can mend, 130 when interrupted."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if arguments == ["--version"]:
        print(f"acga {__version__}")
        return 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of other packages: nothing that a user of this one can mend
        warnings.filterwarnings("default", module="acga")
        warnings.showwarning = lambda message, *_, **__: tell("note", str(message))
        try:
            app.cli(args=arguments, prog="acga", description=DESCRIPTION)
            return 0
        except (AcgaError, OSError) as error:  # an OSError: a folder that cannot be written, a full disk
            tell("error", str(error))
            return 2
        except KeyboardInterrupt:
            tell("error", "interrupted.")
            return 130
