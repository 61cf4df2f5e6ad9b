.PHONY: run test check bench chaos setup

run test check bench chaos setup:
	@python3 dev.py $@ $(ARGS)
