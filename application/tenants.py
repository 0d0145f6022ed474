"""Use case: create a tenant."""

from application import streams
from application.commands import Body, Command, Envelope
from application.work import Work
from domain.tenants import CreateTenant


def create_tenant(envelope: Envelope, tenant: CreateTenant) -> Command:
    """Return the command that creates a tenant; its envelope's tenant is `system`."""
    stream = streams.tenant(tenant.name)

    def decide(work: Work) -> Body:
        work.run(stream, tenant)
        return {"name": tenant.name}

    return Command(name="create_tenant", envelope=envelope, reads=(stream,), decide=decide)
