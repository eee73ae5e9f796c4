"""What a request shows of whoever gives a consent."""

from django.http import HttpRequest

from members.rules.consent import Proof, agent_family, network_of


def proof_of(request: HttpRequest) -> Proof:
    """Return the proof a request leaves: its id, the network, the kind of browser."""
    return Proof(
        request_id=getattr(request, "request_id", ""),
        network=network_of(request.META.get("REMOTE_ADDR", "")),
        agent=agent_family(request.headers.get("User-Agent", "")),
    )
