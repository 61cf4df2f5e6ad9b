.PHONY: run test check setup

run test check setup:
	@python3 dev.py $@ $(ARGS)
