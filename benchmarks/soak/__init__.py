"""Hours in small: half load with clients that reconnect, lag, crash and resume. Is memory flat, is anything lost?"""
