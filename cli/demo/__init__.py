"""`sluice demo`: a throttled campaign with everything real except the people and the carrier.

data.py      who the people are, and who is to get the message (plain Python sets)
timeline.py  what happens when
folder.py    a folder of its own for every demo, and what killed ones left behind
stage.py     servers, carrier and the processes of the Procfile
watch.py     what is seen from outside: the carrier's log and the run's status
show.py      how a moment looks, as a pure function of it
verdict.py   what the carrier's log says at the end
play.py      the script
"""
