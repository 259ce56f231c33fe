"""How much it has rained."""

import pandas as pd
import streamlit as st

RAIN = pd.DataFrame({"month": ["June", "July", "August"], "millimetres": [84, 71, 65]})

st.title("Rainfall")
least = st.slider("At least", 0, 100, 0)
st.bar_chart(RAIN[RAIN.millimetres >= least], x="month", y="millimetres")
