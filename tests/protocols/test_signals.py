"""Every field of service 01 as SAE J1979-DA gives it: its bytes, its range, the bit that fills it, and its words."""

import re

import pytest

from protocols.obd import decode_pid
from protocols.signals import COMPRESSION_PIDS, PID_LENGTHS, PIDS, WITH_SECOND_BYTE, Choice, Flag, Number

# PID, first and last byte, lowest and highest value, unit, name, and the bit of the first byte that says it is filled.
NUMBERS = """
04 A 0 100 % engine_load
05 A -40 215 degC coolant_temperature
06 A -100 99.21875 % short_fuel_trim_b1
06 B -100 99.21875 % short_fuel_trim_b3
07 A -100 99.21875 % long_fuel_trim_b1
07 B -100 99.21875 % long_fuel_trim_b3
08 A -100 99.21875 % short_fuel_trim_b2
08 B -100 99.21875 % short_fuel_trim_b4
09 A -100 99.21875 % long_fuel_trim_b2
09 B -100 99.21875 % long_fuel_trim_b4
0A A 0 765 kPa fuel_pressure
0B A 0 255 kPa intake_pressure
0C AB 0 16383.75 rpm engine_speed
0D A 0 255 km/h vehicle_speed
0E A -64 63.5 deg timing_advance
0F A -40 215 degC intake_temperature
10 AB 0 655.35 g/s air_flow
11 A 0 100 % throttle_position
14 A 0 1.275 V o2_voltage_b1s1
14 B -100 99.21875 % o2_trim_b1s1
15 A 0 1.275 V o2_voltage_b1s2
15 B -100 99.21875 % o2_trim_b1s2
16 A 0 1.275 V o2_voltage_b1s3
16 B -100 99.21875 % o2_trim_b1s3
17 A 0 1.275 V o2_voltage_b1s4
17 B -100 99.21875 % o2_trim_b1s4
18 A 0 1.275 V o2_voltage_b2s1
18 B -100 99.21875 % o2_trim_b2s1
19 A 0 1.275 V o2_voltage_b2s2
19 B -100 99.21875 % o2_trim_b2s2
1A A 0 1.275 V o2_voltage_b2s3
1A B -100 99.21875 % o2_trim_b2s3
1B A 0 1.275 V o2_voltage_b2s4
1B B -100 99.21875 % o2_trim_b2s4
1F AB 0 65535 s time_since_engine_start
21 AB 0 65535 km distance_with_mil
22 AB 0 5177.92099 kPa fuel_rail_pressure_relative
23 AB 0 655350 kPa fuel_rail_pressure
24 AB 0 1.999969 ratio lambda_b1s1
24 CD 0 7.999878 V o2_voltage_b1s1
25 AB 0 1.999969 ratio lambda_b1s2
25 CD 0 7.999878 V o2_voltage_b1s2
26 AB 0 1.999969 ratio lambda_b1s3
26 CD 0 7.999878 V o2_voltage_b1s3
27 AB 0 1.999969 ratio lambda_b1s4
27 CD 0 7.999878 V o2_voltage_b1s4
28 AB 0 1.999969 ratio lambda_b2s1
28 CD 0 7.999878 V o2_voltage_b2s1
29 AB 0 1.999969 ratio lambda_b2s2
29 CD 0 7.999878 V o2_voltage_b2s2
2A AB 0 1.999969 ratio lambda_b2s3
2A CD 0 7.999878 V o2_voltage_b2s3
2B AB 0 1.999969 ratio lambda_b2s4
2B CD 0 7.999878 V o2_voltage_b2s4
2C A 0 100 % commanded_egr
2D A -100 99.21875 % egr_error
2E A 0 100 % commanded_evaporative_purge
2F A 0 100 % fuel_level
30 A 0 255 - warmups_since_clear
31 AB 0 65535 km distance_since_clear
32 AB -8.192 8.19175 kPa evaporative_vapor_pressure
33 A 0 255 kPa barometric_pressure
34 AB 0 1.999969 ratio lambda_b1s1
34 CD -128 127.996094 mA o2_current_b1s1
35 AB 0 1.999969 ratio lambda_b1s2
35 CD -128 127.996094 mA o2_current_b1s2
36 AB 0 1.999969 ratio lambda_b1s3
36 CD -128 127.996094 mA o2_current_b1s3
37 AB 0 1.999969 ratio lambda_b1s4
37 CD -128 127.996094 mA o2_current_b1s4
38 AB 0 1.999969 ratio lambda_b2s1
38 CD -128 127.996094 mA o2_current_b2s1
39 AB 0 1.999969 ratio lambda_b2s2
39 CD -128 127.996094 mA o2_current_b2s2
3A AB 0 1.999969 ratio lambda_b2s3
3A CD -128 127.996094 mA o2_current_b2s3
3B AB 0 1.999969 ratio lambda_b2s4
3B CD -128 127.996094 mA o2_current_b2s4
3C AB -40 6513.5 degC catalyst_temperature_b1s1
3D AB -40 6513.5 degC catalyst_temperature_b2s1
3E AB -40 6513.5 degC catalyst_temperature_b1s2
3F AB -40 6513.5 degC catalyst_temperature_b2s2
42 AB 0 65.535 V module_voltage
43 AB 0 25700 % absolute_load
44 AB 0 1.999969 ratio commanded_lambda
45 A 0 100 % relative_throttle_position
46 A -40 215 degC ambient_temperature
47 A 0 100 % throttle_position_b
48 A 0 100 % throttle_position_c
49 A 0 100 % accelerator_position_d
4A A 0 100 % accelerator_position_e
4B A 0 100 % accelerator_position_f
4C A 0 100 % commanded_throttle
4D AB 0 65535 min time_with_mil
4E AB 0 65535 min time_since_clear
4F A 0 255 ratio maximum_lambda
4F B 0 255 V maximum_o2_voltage
4F C 0 255 mA maximum_o2_current
4F D 0 2550 kPa maximum_intake_pressure
50 A 0 2550 g/s maximum_air_flow
52 A 0 100 % alcohol_fuel
53 AB 0 327.675 kPa evaporative_vapor_pressure_absolute
54 AB -32.768 32.767 kPa evaporative_vapor_pressure_wide
55 A -100 99.21875 % short_secondary_o2_trim_b1
55 B -100 99.21875 % short_secondary_o2_trim_b3
56 A -100 99.21875 % long_secondary_o2_trim_b1
56 B -100 99.21875 % long_secondary_o2_trim_b3
57 A -100 99.21875 % short_secondary_o2_trim_b2
57 B -100 99.21875 % short_secondary_o2_trim_b4
58 A -100 99.21875 % long_secondary_o2_trim_b2
58 B -100 99.21875 % long_secondary_o2_trim_b4
59 AB 0 655350 kPa fuel_rail_pressure_absolute
5A A 0 100 % relative_accelerator_position
5B A 0 100 % hybrid_battery_charge
5C A -40 215 degC oil_temperature
5D AB -210 301.992188 deg injection_timing
5E AB 0 3276.75 l/h fuel_rate
61 A -125 130 % demanded_torque
62 A -125 130 % actual_torque
63 AB 0 65535 Nm reference_torque
64 A -125 130 % torque_at_idle
64 B -125 130 % torque_at_point_1
64 C -125 130 % torque_at_point_2
64 D -125 130 % torque_at_point_3
64 E -125 130 % torque_at_point_4
66 BC 0 2047.96875 g/s air_flow_a if A0
66 DE 0 2047.96875 g/s air_flow_b if A1
67 B -40 215 degC coolant_temperature_1 if A0
67 C -40 215 degC coolant_temperature_2 if A1
68 B -40 215 degC intake_temperature_b1s1 if A0
68 C -40 215 degC intake_temperature_b1s2 if A1
68 D -40 215 degC intake_temperature_b1s3 if A2
68 E -40 215 degC intake_temperature_b2s1 if A3
68 F -40 215 degC intake_temperature_b2s2 if A4
68 G -40 215 degC intake_temperature_b2s3 if A5
69 B 0 100 % commanded_egr_a if A0
69 C 0 100 % actual_egr_a if A1
69 D -100 99.21875 % egr_a_error if A2
69 E 0 100 % commanded_egr_b if A3
69 F 0 100 % actual_egr_b if A4
69 G -100 99.21875 % egr_b_error if A5
6A B 0 100 % commanded_intake_air_a if A0
6A C 0 100 % intake_air_a if A1
6A D 0 100 % commanded_intake_air_b if A2
6A E 0 100 % intake_air_b if A3
6B B -40 215 degC egr_temperature_a if A0
6B B -40 980 degC egr_temperature_a_wide if A4
6B C -40 215 degC egr_temperature_c if A1
6B C -40 980 degC egr_temperature_c_wide if A5
6B D -40 215 degC egr_temperature_b if A2
6B D -40 980 degC egr_temperature_b_wide if A6
6B E -40 215 degC egr_temperature_d if A3
6B E -40 980 degC egr_temperature_d_wide if A7
6C B 0 100 % commanded_throttle_a if A0
6C C 0 100 % relative_throttle_a if A1
6C D 0 100 % commanded_throttle_b if A2
6C E 0 100 % relative_throttle_b if A3
6D BC 0 655350 kPa commanded_rail_pressure_a if A0
6D DE 0 655350 kPa rail_pressure_a if A1
6D F -40 215 degC rail_temperature_a if A2
6D GH 0 655350 kPa commanded_rail_pressure_b if A3
6D IJ 0 655350 kPa rail_pressure_b if A4
6D K -40 215 degC rail_temperature_b if A5
6E BC 0 655350 kPa commanded_injection_pressure_a if A0
6E DE 0 655350 kPa injection_pressure_a if A1
6E FG 0 655350 kPa commanded_injection_pressure_b if A2
6E HI 0 655350 kPa injection_pressure_b if A3
6F B 0 255 kPa turbo_inlet_pressure_a if A0
6F C 0 255 kPa turbo_inlet_pressure_b if A1
70 BC 0 2047.96875 kPa commanded_boost_a if A0
70 DE 0 2047.96875 kPa boost_a if A1
70 FG 0 2047.96875 kPa commanded_boost_b if A3
70 HI 0 2047.96875 kPa boost_b if A4
71 B 0 100 % commanded_vgt_a if A0
71 C 0 100 % vgt_a if A1
71 D 0 100 % commanded_vgt_b if A3
71 E 0 100 % vgt_b if A4
72 B 0 100 % commanded_wastegate_a if A0
72 C 0 100 % wastegate_a if A1
72 D 0 100 % commanded_wastegate_b if A2
72 E 0 100 % wastegate_b if A3
73 BC 0 655.35 kPa exhaust_pressure_b1 if A0
73 DE 0 655.35 kPa exhaust_pressure_b2 if A1
74 BC 0 655350 rpm turbo_speed_a if A0
74 DE 0 655350 rpm turbo_speed_b if A1
75 B -40 215 degC turbo_a_compressor_inlet_temperature if A0
75 C -40 215 degC turbo_a_compressor_outlet_temperature if A1
75 DE -40 6513.5 degC turbo_a_turbine_inlet_temperature if A2
75 FG -40 6513.5 degC turbo_a_turbine_outlet_temperature if A3
76 B -40 215 degC turbo_b_compressor_inlet_temperature if A0
76 C -40 215 degC turbo_b_compressor_outlet_temperature if A1
76 DE -40 6513.5 degC turbo_b_turbine_inlet_temperature if A2
76 FG -40 6513.5 degC turbo_b_turbine_outlet_temperature if A3
77 B -40 215 degC charge_air_temperature_b1s1 if A0
77 C -40 215 degC charge_air_temperature_b1s2 if A1
77 D -40 215 degC charge_air_temperature_b2s1 if A2
77 E -40 215 degC charge_air_temperature_b2s2 if A3
78 BC -40 6513.5 degC exhaust_temperature_b1s1 if A0
78 DE -40 6513.5 degC exhaust_temperature_b1s2 if A1
78 FG -40 6513.5 degC exhaust_temperature_b1s3 if A2
78 HI -40 6513.5 degC exhaust_temperature_b1s4 if A3
79 BC -40 6513.5 degC exhaust_temperature_b2s1 if A0
79 DE -40 6513.5 degC exhaust_temperature_b2s2 if A1
79 FG -40 6513.5 degC exhaust_temperature_b2s3 if A2
79 HI -40 6513.5 degC exhaust_temperature_b2s4 if A3
7A BC -327.68 327.67 kPa pm_filter_delta_pressure_b1 if A0
7A DE 0 655.35 kPa pm_filter_inlet_pressure_b1 if A1
7A FG 0 655.35 kPa pm_filter_outlet_pressure_b1 if A2
7B BC -327.68 327.67 kPa pm_filter_delta_pressure_b2 if A0
7B DE 0 655.35 kPa pm_filter_inlet_pressure_b2 if A1
7B FG 0 655.35 kPa pm_filter_outlet_pressure_b2 if A2
7C BC -40 6513.5 degC pm_filter_inlet_temperature_b1 if A0
7C DE -40 6513.5 degC pm_filter_outlet_temperature_b1 if A1
7C FG -40 6513.5 degC pm_filter_inlet_temperature_b2 if A2
7C HI -40 6513.5 degC pm_filter_outlet_temperature_b2 if A3
7F BE 0 4294967295 s engine_run_time if A0
7F FI 0 4294967295 s engine_idle_time if A1
7F JM 0 4294967295 s engine_pto_time if A2
83 BC 0 65535 ppm nox_b1s1 if A0
83 DE 0 65535 ppm nox_b1s2 if A1
83 FG 0 65535 ppm nox_b2s1 if A2
83 HI 0 65535 ppm nox_b2s2 if A3
84 A -40 215 degC manifold_surface_temperature
85 BC 0 327.675 l/h reagent_use if A0
85 DE 0 327.675 l/h commanded_reagent_use if A1
85 F 0 100 % reagent_level if A2
85 GJ 0 4294967295 s nox_warning_time if A3
86 BC 0 819.1875 mg/m3 pm_mass_b1 if A0
86 DE 0 819.1875 mg/m3 pm_mass_b2 if A1
87 BC 0 2047.96875 kPa intake_pressure_a if A0
87 DE 0 2047.96875 kPa intake_pressure_b if A1
8B C 0 100 % pm_filter_trigger if A3
8B DE 0 65535 min regeneration_interval if A4
8B FG 0 65535 km regeneration_distance if A5
8C BC 0 100 % o2_concentration_b1s1 if A0
8C DE 0 100 % o2_concentration_b1s2 if A1
8C FG 0 100 % o2_concentration_b2s1 if A2
8C HI 0 100 % o2_concentration_b2s2 if A3
8C JK 0 7.999878 ratio lambda_b1s1 if A4
8C LM 0 7.999878 ratio lambda_b1s2 if A5
8C NO 0 7.999878 ratio lambda_b2s1 if A6
8C PQ 0 7.999878 ratio lambda_b2s2 if A7
8D A 0 100 % throttle_position_g
8E A -125 130 % friction_torque
98 BC -40 6513.5 degC exhaust_temperature_b1s5 if A0
98 DE -40 6513.5 degC exhaust_temperature_b1s6 if A1
98 FG -40 6513.5 degC exhaust_temperature_b1s7 if A2
98 HI -40 6513.5 degC exhaust_temperature_b1s8 if A3
99 BC -40 6513.5 degC exhaust_temperature_b2s5 if A0
99 DE -40 6513.5 degC exhaust_temperature_b2s6 if A1
99 FG -40 6513.5 degC exhaust_temperature_b2s7 if A2
99 HI -40 6513.5 degC exhaust_temperature_b2s8 if A3
9A CD 0 1023.984375 V hybrid_battery_voltage if A1
9A EF -3276.8 3276.7 A hybrid_battery_current if A2
9B B 0 63.75 % def_concentration if A0
9B C -40 215 degC def_temperature if A1
9B D 0 100 % def_level if A2
9C BC 0 100 % o2_concentration_b1s3 if A0
9C DE 0 100 % o2_concentration_b1s4 if A1
9C FG 0 100 % o2_concentration_b2s3 if A2
9C HI 0 100 % o2_concentration_b2s4 if A3
9C JK 0 7.999878 ratio lambda_b1s3 if A4
9C LM 0 7.999878 ratio lambda_b1s4 if A5
9C NO 0 7.999878 ratio lambda_b2s3 if A6
9C PQ 0 7.999878 ratio lambda_b2s4 if A7
9D AB 0 1310.7 g/s engine_fuel_rate
9D CD 0 1310.7 g/s vehicle_fuel_rate
9E AB 0 13107 kg/h exhaust_flow
9F B 0 100 % fuel_system_a_use_b1 if A0
9F C 0 100 % fuel_system_b_use_b1 if A1
9F D 0 100 % fuel_system_a_use_b2 if A2
9F E 0 100 % fuel_system_b_use_b2 if A3
9F F 0 100 % fuel_system_a_use_b3 if A4
9F G 0 100 % fuel_system_b_use_b3 if A5
9F H 0 100 % fuel_system_a_use_b4 if A6
9F I 0 100 % fuel_system_b_use_b4 if A7
A2 AB 0 2047.96875 mg/stroke cylinder_fuel_rate
A4 CD 0 65.535 ratio gear_ratio if A1
A5 B 0 127.5 % commanded_def_dosing if A0
A5 CD 0 32.7675 l def_use if A1
A6 AD 0 429496729.5 km odometer
AA A 0 255 km/h speed_limit
B2 A 0 100 % traction_battery_health
C3 A 0 100 % fuel_level_a
C3 B 0 100 % fuel_level_b
C7 AB 0 65535 km distance_since_reflash
D2 B 0 100 % certified_energy if A0
D2 C 0 100 % certified_range if A1
D3 AD 0 429496729.5 km engine_odometer
"""

# PID (1 in front: engines with compression ignition), byte and bit, name. Not here: the bits that only say that a field
# above or below is filled, which are named after it.
FLAGS = """
01: A7 mil, B0 misfire_supported, B4 misfire_incomplete, B1 fuel_system_supported, B5 fuel_system_incomplete
01: B2 components_supported, B6 components_incomplete, C0 catalyst_supported, D0 catalyst_incomplete
01: C1 heated_catalyst_supported, D1 heated_catalyst_incomplete, C2 evaporative_system_supported
01: D2 evaporative_system_incomplete, C3 secondary_air_supported, D3 secondary_air_incomplete
01: C4 ac_refrigerant_supported, D4 ac_refrigerant_incomplete, C5 oxygen_sensor_supported
01: D5 oxygen_sensor_incomplete, C6 oxygen_sensor_heater_supported, D6 oxygen_sensor_heater_incomplete
01: C7 egr_vvt_supported, D7 egr_vvt_incomplete
13: A0 o2_sensor_b1s1_present, A1 o2_sensor_b1s2_present, A2 o2_sensor_b1s3_present, A3 o2_sensor_b1s4_present
13: A4 o2_sensor_b2s1_present, A5 o2_sensor_b2s2_present, A6 o2_sensor_b2s3_present, A7 o2_sensor_b2s4_present
1D: A0 o2_sensor_b1s1_present, A1 o2_sensor_b1s2_present, A2 o2_sensor_b2s1_present, A3 o2_sensor_b2s2_present
1D: A4 o2_sensor_b3s1_present, A5 o2_sensor_b3s2_present, A6 o2_sensor_b4s1_present, A7 o2_sensor_b4s2_present
1E: A0 power_take_off_active
41: B0 misfire_supported, B4 misfire_incomplete, B1 fuel_system_supported, B5 fuel_system_incomplete
41: B2 components_supported, B6 components_incomplete, C0 catalyst_supported, D0 catalyst_incomplete
41: C1 heated_catalyst_supported, D1 heated_catalyst_incomplete, C2 evaporative_system_supported
41: D2 evaporative_system_incomplete, C3 secondary_air_supported, D3 secondary_air_incomplete
41: C4 ac_refrigerant_supported, D4 ac_refrigerant_incomplete, C5 oxygen_sensor_supported
41: D5 oxygen_sensor_incomplete, C6 oxygen_sensor_heater_supported, D6 oxygen_sensor_heater_incomplete
41: C7 egr_vvt_supported, D7 egr_vvt_incomplete
65: A0 power_take_off_supported, A1 automatic_neutral_supported, A2 manual_neutral_supported
65: A3 glow_plug_lamp_supported, B0 power_take_off if A0
65: B1 automatic_in_drive if A1, B2 manual_in_gear if A2, B3 glow_plug_lamp if A3
8B: A0 pm_filter_status_supported, B0 pm_filter_regenerating if A0
101: A7 mil, B0 misfire_supported, B4 misfire_incomplete, B1 fuel_system_supported, B5 fuel_system_incomplete
101: B2 components_supported, B6 components_incomplete, C0 nmhc_catalyst_supported, D0 nmhc_catalyst_incomplete
101: C1 nox_scr_supported, D1 nox_scr_incomplete, C3 boost_pressure_supported, D3 boost_pressure_incomplete
101: C5 exhaust_gas_sensor_supported, D5 exhaust_gas_sensor_incomplete, C6 pm_filter_supported
101: D6 pm_filter_incomplete, C7 egr_vvt_supported, D7 egr_vvt_incomplete
141: B0 misfire_supported, B4 misfire_incomplete, B1 fuel_system_supported, B5 fuel_system_incomplete
141: B2 components_supported, B6 components_incomplete, C0 nmhc_catalyst_supported, D0 nmhc_catalyst_incomplete
141: C1 nox_scr_supported, D1 nox_scr_incomplete, C3 boost_pressure_supported, D3 boost_pressure_incomplete
141: C5 exhaust_gas_sensor_supported, D5 exhaust_gas_sensor_incomplete, C6 pm_filter_supported
141: D6 pm_filter_incomplete, C7 egr_vvt_supported, D7 egr_vvt_incomplete
"""

# PID, byte and mask, name, the bit that fills it: the words. A value without one is shown as its number.
CHOICES = """
01 A&7F dtc_count:
01 B&08 ignition: 0 SPARK; 1 COMPRESSION
03 A&FF fuel_system_1: 0 OFF; 1 OL; 2 CL; 4 OL-Drive; 8 OL-Fault; 10 CL-Fault; 20 OL B2; 40 OL-Drive B2
03 A&FF fuel_system_1: 80 OL-Fault B2
03 B&FF fuel_system_2: 0 OFF; 1 OL; 2 CL; 4 OL-Drive; 8 OL-Fault; 10 CL-Fault; 20 OL B2; 40 OL-Drive B2
03 B&FF fuel_system_2: 80 OL-Fault B2
12 A&FF secondary_air_status: 1 UPS; 2 DNS; 4 OFF; 8 DIAG
1C A&FF obd_standard: 1 OBD II; 2 OBD; 3 OBD & OBD II; 4 OBD I; 5 NO OBD; 6 EOBD; 7 EOBD & OBD II; 8 EOBD & OBD
1C A&FF obd_standard: 9 EOBD, OBD, OBD II; A JOBD; B JOBD & OBD II; C JOBD & EOBD; D JOBD, EOBD, OBD II
1C A&FF obd_standard: E EURO IV B1; F EURO V B2; 10 EURO C; 11 EMD; 12 EMD+; 13 HD OBD-C; 14 HD OBD; 15 WWH OBD
1C A&FF obd_standard: 17 HD EOBD-I; 18 HD EOBD-I N; 19 HD EOBD-II; 1A HD EOBD-II N; 1B HD-ZEV; 1C OBDBr-1
1C A&FF obd_standard: 1D OBDBr-2; 1E KOBD; 1F IOBD I; 20 IOBD II; 21 HD EOBD-VI; 22 OBD, OBD II & HD OBD
1C A&FF obd_standard: 23 OBDBr-3; 24 MC EOBD-I; 25 MC EOBD-II; 26 MC COBD-I; 27 MC TOBD-I; 28 MC JOBD-I
1C A&FF obd_standard: 29 CN-OBD-6; 2A OBDBr-P7; 2B CN-HDOBD-VI; 2C IOBD-I-BS6; 2D IOBD-II-BS6; 2E IHDOBD-BSVI
1C A&FF obd_standard: 2F OBDBr-P8; 30 HD-JOBD-II; 31 HD-KOBD-II; 32 CN-OROBD-IV; 33 CARB ACC-II; 34 MC JOBD-II
1C A&FF obd_standard: 35 MC CARB OBD; 36 MC EPA OBD; 37 MC CARB & EPA OBD; 38 HD ZEV CARB ZEP
1C A&FF obd_standard: 39 CARB ACC-II & EPA TIER4; 3A EPA TIER4; 3B EPA HD
41 B&08 ignition: 0 SPARK; 1 COMPRESSION
51 A&FF fuel_type: 1 GAS; 2 METH; 3 ETH; 4 DSL; 5 LPG; 6 CNG; 7 PROP; 8 ELEC; 9 BI_GAS; A BI_METH; B BI_ETH
51 A&FF fuel_type: C BI_LPG; D BI_CNG; E BI_PROP; F BI_ELEC; 10 BI_MIX; 11 HYB_GAS; 12 HYB_ETH; 13 HYB_DSL
51 A&FF fuel_type: 14 HYB_ELEC; 15 HYB_MIX; 16 HYB_REG; 17 BI_DSL; 18 BI_NG; 19 BI_DSL; 1A NG; 1B DSL_CNG
51 A&FF fuel_type: 1C DSL_LNG; 1D FC_H2; 1E HICE_HHO; 1F KERO; 20 HFO
5F A&FF emission_standard: E EURO IV B1; F EURO V B2; 10 EURO C; 11 EURO VI
65 B&F0 recommended_gear if A4:
70 J&03 boost_a_control if A2: 1 BP_A_OL; 2 BP_A_CL; 3 BP_A_FAULT
70 J&0C boost_b_control if A5: 1 BP_B_OL; 2 BP_B_CL; 3 BP_B_FAULT
71 F&03 vgt_a_control if A2: 1 VGT_A_OL; 2 VGT_A_CL; 3 VGT_A_FAULT
71 F&0C vgt_b_control if A5: 1 VGT_B_OL; 2 VGT_B_CL; 3 VGT_B_FAULT
9A B&01 hybrid_state if A0: 0 CSM; 1 CDM
9A B&06 enhanced_hybrid_state if A3: 0 CSM; 1 CDM; 2 CIM
A4 B&F0 transmission_gear if A0:
101 A&7F dtc_count:
101 B&08 ignition: 0 SPARK; 1 COMPRESSION
141 B&08 ignition: 0 SPARK; 1 COMPRESSION
"""
LETTERS = "ABCDEFGHIJKLMNOPQ"
IGNITION = {0x01, 0x41}
SIGNED = {0x32, 0x54, 0x7A, 0x7B, 0x9A}  # two's complement; the others that go below zero are shifted


def pid_of(text: str) -> tuple[int, bool]:
    """The PID, and whether the engine has compression ignition."""
    number = int(text, 16)
    return number & 0xFF, number > 0xFF


def shown(pid: int, data: bytes, *, whole: bool = True) -> dict[str, object]:
    return {reading.signal: reading.value for reading in decode_pid(pid, data, ecu="7E8", whole=whole)}


def units(pid: int, data: bytes) -> dict[str, str]:
    return {reading.signal: reading.unit for reading in decode_pid(pid, data, ecu="7E8", whole=True)}


def filled(pid: int, first: int, last: int, raw: bytes, head: int = 0) -> bytes:
    """An answer that is zero but for the bytes in question and, where one leads, the byte of support bits."""
    data = bytearray(max(PID_LENGTHS[pid], last + 1))
    data[0] = head
    data[first : last + 1] = raw
    return bytes(data)


@pytest.mark.parametrize("row", NUMBERS.strip().splitlines())
def test_a_number_runs_from_the_lowest_to_the_highest_value_of_the_standard(row: str) -> None:
    pid_text, places, low, high, unit, name, *support = row.split()
    pid, first, last = int(pid_text, 16), LETTERS.index(places[0]), LETTERS.index(places[-1])
    size, optional = last - first + 1, int(pid_text, 16) in WITH_SECOND_BYTE and places == "B"
    signed = size == 2 and pid in SIGNED and low.startswith("-")
    least, most = (b"\x80\x00", b"\x7f\xff") if signed else (bytes(size), b"\xff" * size)
    if optional:  # an empty second byte means that there is no such bank
        least, most, low, high = b"\x01", b"\xfe", "-99.21875", "98.4375"

    assert str(shown(pid, filled(pid, first, last, least))[name]) == low
    assert str(shown(pid, filled(pid, first, last, most))[name]) == high
    assert units(pid, filled(pid, first, last, most))[name] == unit.replace("-", "")
    if support:
        bit = 1 << int(support[1][1])
        assert name in shown(pid, filled(pid, first, last, most, bit), whole=False)
        assert name not in shown(pid, filled(pid, first, last, most, 0xFF ^ bit), whole=False)
        assert name + "_supported" in shown(pid, filled(pid, first, last, most, bit))


def flags_listed() -> list[tuple[str, ...]]:
    """PID, place and name of each flag."""
    found: list[tuple[str, ...]] = []
    for line in FLAGS.strip().splitlines():
        pid, _, rest = line.partition(": ")
        found += [(pid, *entry.split()[:2]) for entry in rest.split(", ")]
    for row in (*NUMBERS.strip().splitlines(), *CHOICES.strip().splitlines()):
        if match := re.search(r"^(\w+) .*?(\w+) if A(\d)", row):
            found.append((match[1], f"A{match[3]}", f"{match[2]}_supported"))
    return list(dict.fromkeys(found))


@pytest.mark.parametrize(("pid_text", "place", "name"), flags_listed())
def test_a_flag_is_its_bit_and_no_other(pid_text: str, place: str, name: str) -> None:
    pid, compression = pid_of(pid_text)
    at, bit = LETTERS.index(place[0]), 1 << int(place[1])
    alone = bytearray(PID_LENGTHS[pid])
    alone[at] = bit
    others = bytearray(b"\xff" * PID_LENGTHS[pid])
    others[at] ^= bit
    if pid in IGNITION:
        for data in (alone, others):
            data[1] = data[1] | 0x08 if compression else data[1] & ~0x08

    assert shown(pid, bytes(alone))[name] == 1
    assert shown(pid, bytes(others))[name] == 0


@pytest.mark.parametrize(
    ("pid", "bit", "name"),
    [
        (int(line[:2], 16), int(entry.split()[3][1]), entry.split()[1])
        for line in FLAGS.strip().splitlines()
        for entry in line.partition(": ")[2].split(", ")
        if " if " in entry
    ],
)
def test_a_flag_that_is_not_filled_is_left_out(pid: int, bit: int, name: str) -> None:
    data = bytes((1 << bit,)) + b"\xff" * (PID_LENGTHS[pid] - 1)

    assert shown(pid, data, whole=False)[name] == 1
    assert name not in shown(pid, bytes((0xFF ^ 1 << bit,)) + data[1:], whole=False)


@pytest.mark.parametrize("line", CHOICES.strip().splitlines())
def test_a_choice_is_a_word_of_the_standard(line: str) -> None:
    head, _, words = line.partition(":")
    pid_text, place, name, *support = head.split()
    pid, compression = pid_of(pid_text)
    at, mask = LETTERS.index(place[0]), int(place[2:], 16)
    step = mask & -mask
    said = dict(entry.strip().split(" ", 1) for entry in words.split(";") if entry)
    data = bytearray(b"\xff" * PID_LENGTHS[pid])
    if pid in IGNITION and name != "ignition":
        data[1] = 0x08 if compression else 0x00
    for code, word in said.items():
        data[at] = int(code, 16) * step | 0xFF & ~mask
        assert shown(pid, bytes(data))[name] == word
    if not said:
        data[at] = mask
        assert shown(pid, bytes(data))[name] == mask // step
    if support:
        data[0] = 0xFF ^ 1 << int(support[1][1])
        assert name not in shown(pid, bytes(data), whole=False)


def test_the_tables_above_leave_no_field_out() -> None:
    listed = {(row.split()[0], row.split()[5]) for row in NUMBERS.strip().splitlines()}
    listed |= {(pid, name) for pid, _, name in flags_listed()}
    listed |= {(line.split()[0], line.split()[2].rstrip(":")) for line in CHOICES.strip().splitlines()}
    known = {(f"{pid:02X}", field.name) for pid, entry in PIDS.items() for field in entry.fields}
    known |= {(f"1{pid:02X}", field.name) for pid, entry in COMPRESSION_PIDS.items() for field in entry.fields}

    assert listed == known
    assert {type(field) for entry in PIDS.values() for field in entry.fields} == {Number, Flag, Choice}


def test_answers_without_fields_have_the_length_that_parts_them_from_the_next() -> None:
    lengths = {pid: length for pid, length in PID_LENGTHS.items() if pid not in PIDS or not PIDS[pid].fields}

    assert lengths == {
        **dict.fromkeys((0x00, 0x20, 0x40, 0x60, 0x80, 0xA0, 0xC0), 4),
        0x02: 2, 0x7D: 1, 0x7E: 1, 0x81: 41, 0x82: 41, 0x88: 13, 0x89: 41, 0x8A: 41, 0x8F: 7,
        0x90: 3, 0x91: 5, 0x92: 2, 0x93: 3, 0x94: 12, 0xA1: 9, 0xA3: 9, 0xA7: 4, 0xA8: 4, 0xA9: 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("length", "pids"),
    [
        (1, "04 05 06 07 08 09 0A 0B 0D 0E 0F 11 12 13 1C 1D 1E 2C 2D 2E 2F 30 33 45 46 47 48 49 4A 4B 4C 51 52 55 56"),
        (1, "57 58 5A 5B 5C 5F 61 62 84 8D 8E AA B2"),
        (2, "03 0C 10 14 15 16 17 18 19 1A 1B 1F 21 22 23 31 32 3C 3D 3E 3F 42 43 44 4D 4E 53 54 59 5D 5E 63 65 9E"),
        (2, "A2 C3 C7"),
        (3, "67 6F D2"),
        (4, "01 24 25 26 27 28 29 2A 2B 34 35 36 37 38 39 3A 3B 41 4F 50 9B 9D A4 A5 A6 D3"),
        (5, "64 66 6A 6B 6C 72 73 74 77 86 87"),
        (6, "71 9A"),
        (7, "68 69 75 76 7A 7B 8B"),
        (9, "6E 78 79 7C 83 98 99 9F"),
        (10, "70 85"),
        (11, "6D"),
        (13, "7F"),
        (17, "8C 9C"),
    ],
)
def test_an_answer_has_the_length_of_the_standard(length: int, pids: str) -> None:
    assert {PID_LENGTHS[int(pid, 16)] for pid in pids.split()} == {length}
