"""Try a process out in a plain test: no server, no database, no cluster, and a clock that moves only when told to.

    from engine.testing import play

    def test_a_late_order_is_cancelled():
        order = play("order.bpmn", store_order=lambda call: "A-1")
        order.start(amount=3).complete("Enter Order", pizza="Capricciosa").waits_at("Order Confirmation")
        order.advance(hours=2).has_ended("cancelled").knows(orderNumber="A-1")

Names of steps are their names or ids in the model. An asynchronous step waits, as it does for a cluster, until `run_jobs()` or
`advance()` is told. Every verb gives the story back, so that it reads on; a claim that does not
hold is an AssertionError that says what is the case.
"""

from engine.testing.story import Story, play

__all__ = ["Story", "play"]
