"""The whole product on one machine without hardware: cars, broker, back office and agent as child processes."""

from agent.demo.show import run_demo

__all__ = ["run_demo"]
