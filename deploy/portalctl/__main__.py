"""`python -m portalctl`."""

import gc


def main() -> None:
    gc.disable()  # imports create nothing that is garbage, and to search it takes a tenth of their time
    from portalctl.cli import app

    gc.freeze()
    gc.enable()
    app(prog_name="portalctl")


if __name__ == "__main__":
    main()
