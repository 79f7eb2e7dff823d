"""python -m leadkeeper.simulator --port 0 --target http://127.0.0.1:8000/api/webhooks/whatsapp ..."""

import argparse

from leadkeeper.simulator.serve import run
from leadkeeper.simulator.state import SimAccount


def main() -> None:
    """Read the arguments, serve until interrupted."""
    parser = argparse.ArgumentParser(prog="leadkeeper.simulator", description="A provider shaped like Meta's Graph API.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free one; the address is printed as JSON")
    parser.add_argument("--target", default="", help="where its webhooks go")
    parser.add_argument("--phone-number-id", default="", help="connects a number; more can follow over /sim/accounts")
    parser.add_argument("--token", default="", help="access token of that number")
    parser.add_argument("--app-secret", default="", help="signs its webhooks")
    given = parser.parse_args()
    accounts = []
    if given.phone_number_id:
        if not (given.token and given.app_secret):
            parser.error("--phone-number-id needs --token and --app-secret")
        accounts.append(SimAccount(given.phone_number_id, given.token, given.app_secret, given.target))
    run(accounts, given.host, given.port)


if __name__ == "__main__":
    main()
