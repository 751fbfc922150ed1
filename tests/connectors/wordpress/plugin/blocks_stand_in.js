/**
 * Stand-ins for what the plugin's script uses of WordPress and WooCommerce (10.5.2): elements that
 * are drawn anew when a state changes, the slot below the field for coupons, and the Store API's
 * cart.  A state belongs to its place and key, as in React.
 */
window.states = new Map();
window.sent = [];
let place = '';
let count = 0;

window.wp = {
	element: {
		createElement: ( type, props, ...children ) => ( { type, props: props || {}, children } ),
		useState: ( first ) => {
			const id = place + '#' + count++;
			if ( ! window.states.has( id ) ) {
				window.states.set( id, first );
			}
			const set = ( value ) => {
				window.states.set( id, value );
				window.draw();
			};
			return [ window.states.get( id ), set ];
		},
	},
	plugins: { registerPlugin: ( name, plugin ) => ( window.plugin = { name, ...plugin } ) },
};
window.wc = {
	wcSettings: { getSetting: ( name, without ) => window.settings[ name ] ?? without },
	blocksCheckout: {
		ExperimentalDiscountsMeta: 'slot',
		registerCheckoutFilters: ( name, filters ) => ( window.filters = filters ),
		// As the real one: the answer is the whole cart, and a refusal rejects with its message.
		extensionCartUpdate: async ( request ) => {
			window.sent.push( request );
			const answer = window.answers.shift();
			if ( answer.message ) {
				throw answer;
			}
			window.cart = answer;
			window.draw();
		},
	},
};

function drawn( node, at ) {
	if ( Array.isArray( node ) ) {
		return node.flatMap( ( one, index ) => drawn( one, at + '/' + ( one?.props?.key ?? index ) ) );
	}
	if ( node === null || node === undefined || typeof node === 'boolean' ) {
		return [];
	}
	if ( typeof node !== 'object' ) {
		return [ document.createTextNode( String( node ) ) ];
	}
	if ( typeof node.type === 'function' ) {
		[ place, count ] = [ at, 0 ];
		return drawn( node.type( node.props ), at + '/' );
	}
	if ( node.type === 'slot' ) {
		return node.children.flatMap( ( fill, index ) => drawn( { ...fill, props: { ...fill.props, extensions: window.cart.extensions } }, at + '/' + index ) );
	}
	const element = document.createElement( node.type );
	for ( const [ name, value ] of Object.entries( node.props ) ) {
		if ( name.startsWith( 'on' ) ) {
			element.addEventListener( name === 'onChange' ? 'input' : name.slice( 2 ).toLowerCase(), value );
		} else if ( name === 'disabled' ) {
			element.disabled = value;
		} else if ( name !== 'key' && name !== 'style' ) {
			element.setAttribute( { htmlFor: 'for', className: 'class' }[ name ] || name, value );
		}
	}
	element.append( ...drawn( node.children, at + '/' ) );
	return [ element ];
}

window.draw = () => document.body.replaceChildren( ...drawn( window.plugin.render(), '' ) );
