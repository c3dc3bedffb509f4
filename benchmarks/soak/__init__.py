"""Hours in small: half load with people who come, go, lag, crash and resume; does memory stay, is anything lost?"""
