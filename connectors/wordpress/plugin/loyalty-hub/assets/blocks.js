/**
 * The cart and checkout of blocks: points and codes below the field for coupons.
 */
( function () {
	const { registerPlugin } = window.wp.plugins;
	const { createElement: el, useState } = window.wp.element;
	const { ExperimentalDiscountsMeta, extensionCartUpdate, registerCheckoutFilters } = window.wc.blocksCheckout;
	const { texts, labels } = window.wc.wcSettings.getSetting( 'loyalty-hub_data', { texts: {}, labels: {} } );
	const NAMESPACE = 'loyalty-hub';
	const BUTTON = 'wp-element-button'; // As the theme draws its buttons.
	const ROW = { display: 'flex', flexWrap: 'wrap', alignItems: 'center', gap: '8px', margin: '8px 0' };

	/** A field with its button; what is typed is sent as the member `name` of a choice. */
	function Field( { name, value, label, text, busy, send } ) {
		const [ typed, setTyped ] = useState( value );
		const id = 'loyalty-hub-' + name;
		const submit = ( event ) => {
			event.preventDefault();
			send( { [ name ]: typed } );
		};
		return el(
			'form',
			{ onSubmit: submit, className: 'loyalty-hub-form', style: ROW },
			el( 'label', { htmlFor: id }, label ),
			el( 'input', {
				id,
				type: 'text',
				inputMode: name === 'points' ? 'decimal' : 'text',
				value: typed,
				onChange: ( event ) => setTyped( event.target.value ),
			} ),
			el( 'button', { type: 'submit', disabled: busy, className: BUTTON }, text )
		);
	}

	/** The box; `extensions` are what the Store API tells with the cart. */
	function Box( { extensions } ) {
		const view = ( extensions || {} )[ NAMESPACE ];
		const [ busy, setBusy ] = useState( false );
		const [ wrong, setWrong ] = useState( '' );
		if ( ! view || ! view.shown ) {
			return null;
		}
		const send = ( data ) => {
			setBusy( true );
			setWrong( '' );
			extensionCartUpdate( { namespace: NAMESPACE, data } )
				.catch( ( error ) => setWrong( error.message ) )
				.finally( () => setBusy( false ) );
		};
		const button = ( data, text ) => el( 'button', { type: 'button', disabled: busy, className: BUTTON, onClick: () => send( data ) }, text );
		return el(
			'div',
			{ className: 'loyalty-hub-box wc-block-components-totals-wrapper', style: { padding: '16px' }, 'aria-busy': busy },
			view.notes.map( ( note ) => el( 'p', { key: note }, note ) ),
			view.can_spend && el( Field, { key: 'points-' + view.spend, name: 'points', value: view.spend, label: texts.points, text: texts.use, busy, send } ),
			el(
				'div',
				{ style: ROW },
				view.can_spend && ! view.by_code && button( { points: 'max' }, texts.all ),
				view.by_code && button( { send: '1' }, texts.send ),
				view.can_spend && view.spend !== '' && button( { points: '' }, texts.none )
			),
			view.by_code && view.code_sent && el( Field, { name: 'confirm', value: '', label: texts.digits, text: texts.spend, busy, send } ),
			el( Field, { key: 'code-' + view.codes.length, name: 'code', value: '', label: texts.code, text: texts.apply, busy, send } ),
			el( Field, { key: 'certificate-' + view.codes.length, name: 'certificate', value: '', label: texts.gift, text: texts.apply, busy, send } ),
			view.codes.map( ( code ) => el( 'p', { key: code.code }, code.text, ' ', button( { drop: code.code }, texts.drop ) ) ),
			wrong !== '' && el( 'p', { role: 'alert' }, wrong )
		);
	}

	registerCheckoutFilters( NAMESPACE, {
		coupons: ( coupons ) => coupons.map( ( coupon ) => ( labels[ coupon.code ] ? { ...coupon, label: labels[ coupon.code ] } : coupon ) ),
	} );
	registerPlugin( NAMESPACE, {
		render: () => el( ExperimentalDiscountsMeta, {}, el( Box ) ),
		scope: 'woocommerce-checkout',
	} );
} )();
